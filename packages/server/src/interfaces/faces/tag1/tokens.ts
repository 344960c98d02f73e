import type { EndCause } from "@portcullis/contract";
import type { Db } from "../../../platform/db/open.ts";
import type { Grant } from "../../../accounts/tokens/mint.ts";
import { findUser, type User } from "../../../accounts/users/users.store.ts";
import { busy, detail, nonFieldErrors, type Answer } from "../drf/answers.ts";
import type { Bearer, FaceTokens } from "../jwt/tokens.ts";
import type { UserModel } from "./user-model.ts";

export interface TokenDeps {
  readonly db: Db;
  /**
   * Tokens are signed with the server's own key. The original has one key per user, which no other
   * service could share.
   */
  readonly tokens: FaceTokens;
  readonly model: UserModel;
}

/** The user of a token that belongs to a session. */
export interface Holder {
  readonly user: User;
  readonly bearer: Bearer;
  /** The second factor for which the token was issued. */
  readonly deviceId: string | null;
}

export type Refusal = "expired" | "undecodable" | "no_user" | "disabled" | "unknown";
export type Presented =
  | { readonly kind: "held" | "paused"; readonly holder: Holder }
  | { readonly kind: Refusal };

/**
 * The claim that marks this face's tokens. They can be refreshed, and without the claim any other
 * access token could be, too.
 */
const FACE = "tag1";

/**
 * Signs the only kind of token there is. A client sends it with its requests and exchanges it for a
 * later one.
 */
export function tokenOf(
  deps: TokenDeps,
  grant: Grant,
  user: User,
  deviceId: string | null,
): string {
  return deps.tokens.access(grant, user.number, {
    ...namesOf(deps, user),
    orig_iat: grant.authTime,
    otp_device_id: deviceId,
  });
}

/** Returns the claims about the user that every token of this face has. */
export function namesOf({ model }: Pick<TokenDeps, "model">, user: User) {
  return { face: FACE, username: model.loginOf(user), email: user.email ?? "" };
}

/** Checks a token in the order of the original. The user's row is read only if the token passes. */
export async function present(deps: TokenDeps, token: string): Promise<Presented> {
  const outcome = await deps.tokens.readAccess(token, undefined);
  if (outcome.kind === "ended") return { kind: refusalOf(outcome.cause) };
  if (outcome.kind === "expired" || outcome.kind === "unknown") return { kind: outcome.kind };
  if (outcome.kind !== "good" || outcome.bearer.claims["face"] !== FACE)
    return { kind: "undecodable" };

  const { bearer } = outcome;
  const named = await findNamed(deps, bearer.userId, bearer.claims["username"]);
  if (!("user" in named)) return named;
  const deviceId = bearer.claims["otp_device_id"];
  return {
    kind: named.kind === "paused" ? "paused" : "held",
    holder: { user: named.user, bearer, deviceId: typeof deviceId === "string" ? deviceId : null },
  };
}

/**
 * Finds the user of a token. The original looks users up by the name in the token, so a token with
 * a former name is refused.
 */
export async function findNamed(
  deps: Pick<TokenDeps, "db" | "model">,
  userId: string,
  username: unknown,
): Promise<
  | { readonly kind: "named"; readonly user: User }
  | { readonly kind: "paused"; readonly user: User }
  | { readonly kind: "no_user" | "disabled" }
> {
  const user = await findUser(deps.db, userId);
  if (user === undefined || username !== deps.model.loginOf(user)) return { kind: "no_user" };
  if (user.disabledAt !== null) return { kind: "disabled" };
  return user.pausedAt === null ? { kind: "named", user } : { kind: "paused", user };
}

/**
 * Translates the end of a session into what the original would find: no user, a disabled user, or a
 * changed secret.
 */
export function refusalOf(cause: EndCause | undefined): Refusal {
  if (cause === "user_deleted") return "no_user";
  return cause === "user_disabled" ? "disabled" : "undecodable";
}

const words = {
  expired: "Signature has expired.",
  undecodable: "Error decoding signature.",
  disabled: "User account is disabled.",
} as const;

/** Answers a request whose Authorization header has the token. */
export function refuseRequest(refusal: Refusal): Answer {
  if (refusal === "unknown") return busy();
  return detail(401, refusal === "no_user" ? "Invalid signature." : words[refusal]);
}

/** Answers a request whose body has the token. */
export function refuseToken(refusal: Refusal): Answer {
  if (refusal === "unknown") return busy();
  return nonFieldErrors(refusal === "no_user" ? "User doesn't exist." : words[refusal]);
}
