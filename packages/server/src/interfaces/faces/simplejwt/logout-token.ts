import { originOf } from "../../../records/audit/origin.ts";
import { endAllSessions } from "../../../accounts/sessions/revoke.ts";
import { fieldErrors, ok } from "../drf/answers.ts";
import { members, text } from "../drf/fields.ts";
import { isTruthy } from "../drf/python.ts";
import { action, isAuthenticated, view, type Authenticator, type View } from "../drf/view.ts";
import type { Requester } from "../jwt/authenticator.ts";
import { blacklist, type JwtDeps } from "../jwt/jwt.ts";

/**
 * The logout of the Appliku tutorial. It ends the session of the given refresh token, or all
 * sessions.
 */
export function logoutTokenView(deps: JwtDeps, authenticator: Authenticator<Requester>): View {
  const refreshToken = text();
  return view<Requester>({
    name: "simplejwt.logout_token",
    path: "/logout_token/",
    title: "Logout Token",
    authenticator,
    permission: isAuthenticated,
    methods: {
      POST: action({
        act: "endOwnSession",
        permission: isAuthenticated<Requester>,
        body: members,
        handle: async ({ user: { account, bearer }, input, ...visit }) => {
          if (isTruthy(input.get("all"))) {
            await endAllSessions(
              deps,
              account.id,
              "logout_everywhere",
              originOf({ ...visit, caller: bearer }),
            );
            return ok({ status: "OK, goodbye, all refresh tokens blacklisted" });
          }
          const token = await refreshToken.read(input.get("refresh_token"), false);
          if (token.kind === "invalid") return fieldErrors({ refresh_token: token.words });
          const outcome = await blacklist(deps, token.value, visit, account);
          return outcome.kind === "done" ? ok({ status: "OK, goodbye" }) : outcome.answer;
        },
      }),
    },
  });
}
