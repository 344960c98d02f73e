import { transact } from "../../../platform/db/transact.ts";
import { originOf } from "../../../records/audit/origin.ts";
import { record } from "../../../records/audit/audit.ts";
import type { Visit } from "../../../platform/http/page.ts";
import { hashToken } from "../../../platform/kernel/codes.ts";
import { endSession, revokeOne } from "../../../accounts/sessions/revoke.ts";
import { lockUser } from "../../../accounts/users/users.store.ts";
import { noContent, nonFieldErrors, ok, type Answer } from "../drf/answers.ts";
import { optional, text } from "../drf/fields.ts";
import {
  action,
  allowAny,
  isAuthenticated,
  view,
  type Authenticator,
  type View,
} from "../drf/view.ts";
import { logIn, type Login } from "../jwt/jwt.ts";
import { originOfCaller, type Caller } from "./caller.ts";
import type { DjoserDeps } from "./deps.ts";
import { insertFaceToken, listFaceTokens } from "./face-tokens.store.ts";
import { form } from "./form.ts";
import { isCurrent, isLive, tokenOf } from "./token-bearer.ts";

/**
 * Djoser's own tokens are opaque. A user has one at a time, until logout or until the session
 * behind it ends.
 */
export function tokenViews(
  deps: DjoserDeps,
  authenticator: Authenticator<Caller>,
): readonly View[] {
  const { prefix } = deps.djoser;
  return [
    view<Caller>({
      name: "djoser.token_login",
      path: `${prefix}/token/login/`,
      optionalSlash: true,
      title: "Token Create",
      description: "Use this endpoint to obtain user authentication token.",
      authenticator,
      permission: allowAny,
      methods: {
        POST: action({
          act: "public",
          permission: allowAny<Caller>,
          body: form({ password: optional(text()), [deps.loginField]: optional(text()) }),
          handle: async ({ input: { values }, ...visit }) => {
            const { [deps.loginField]: identifier, password } = values;
            return identifier === undefined || password === undefined
              ? wrong()
              : tokenLogin(deps, { identifier, password }, visit);
          },
        }),
      },
    }),
    view<Caller>({
      name: "djoser.token_logout",
      path: `${prefix}/token/logout/`,
      optionalSlash: true,
      title: "Token Destroy",
      description: "Use this endpoint to logout user (remove user authentication token).",
      authenticator,
      permission: isAuthenticated,
      methods: {
        POST: action({
          act: "endOwnSession",
          permission: isAuthenticated<Caller>,
          handle: async (call) => tokenLogout(deps, call.user, call),
        }),
      },
    }),
  ];
}

const wrong = (): Answer => nonFieldErrors("Unable to log in with provided credentials.");

/**
 * Opens a session for each login. The first session stays and the token belongs to it; while it
 * lives, a later session ends at once and the login returns the same token. The locked row of the
 * user decides which one is first.
 */
async function tokenLogin(deps: DjoserDeps, login: Login, visit: Visit): Promise<Answer> {
  const outcome = await logIn(deps, { login, policy: deps.djoser.tokenLoginPolicy }, visit);
  if (outcome.kind === "refused") return outcome.answer.status === 401 ? wrong() : outcome.answer;
  const { user, grant } = outcome.value;
  const { sessionId } = grant;
  const origin = { ...originOf(visit), actor: { kind: "user", id: user.id } } as const;
  const token = await transact(deps, async (tx) => {
    await lockUser(tx, user.id);
    const standing = (await listFaceTokens(tx, user.id)).find(
      (one) => isLive(deps, one) && isCurrent(deps.keyring, one),
    );
    if (standing === undefined) {
      const made = tokenOf(deps.keyring, sessionId);
      await insertFaceToken(tx, {
        tokenHash: hashToken(made),
        sessionId,
        userId: user.id,
        createdAt: deps.clock.now(),
      });
      return made;
    }
    await revokeOne(tx, deps, { id: sessionId }, "logout");
    const details = { cause: "logout" };
    await record(tx, deps, {
      event: "session.ended",
      ...origin,
      userId: user.id,
      sessionId,
      details,
    });
    return tokenOf(deps.keyring, standing.sessionId);
  });
  return ok({ auth_token: token });
}

/** Ends the sessions behind the user's tokens, even if the caller is logged in with a JWT. */
async function tokenLogout(deps: DjoserDeps, caller: Caller, visit: Visit): Promise<Answer> {
  const userId = caller.account.id;
  for (const { sessionId } of (await listFaceTokens(deps.db, userId)).filter((one) =>
    isLive(deps, one),
  ))
    await endSession(deps, { id: sessionId, userId }, "logout", originOfCaller(caller, visit));
  return noContent();
}
