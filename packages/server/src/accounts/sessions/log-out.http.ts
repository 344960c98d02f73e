import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import type { CountForgery } from "./forgeries.ts";
import { missing } from "./refresh.http.ts";
import { readRefreshToken } from "./refresh-token.ts";
import { endAllSessions, endSession, type RevokeDeps } from "./revoke.ts";

export interface LogOutRoutesDeps extends RevokeDeps {
  readonly countForgery: CountForgery;
}

/** Serves the end of the user's own sessions: with a refresh token, this one, another or all. */
export function logOutRoutes(deps: LogOutRoutesDeps): readonly Route[] {
  return [
    serve(endpoints.logOut, async (call) => {
      const { refreshToken = call.cookies?.refreshToken } = call.input;
      if (refreshToken === undefined)
        return call.cookies === undefined
          ? refuse("invalid_input", { errors: [missing] })
          : answer(204);
      const claims = readRefreshToken(deps.keyring, refreshToken);
      if (claims === undefined) {
        const counted = await deps.countForgery(call.client.address);
        return counted.kind === "exhausted"
          ? refuse("rate_limited", { retryAfterSeconds: counted.retryAfterSeconds })
          : answer(204);
      }
      await endSession(deps, { id: claims.sid }, "logout", originOf(call));
      return answer(204);
    }),

    serve(endpoints.endCurrentSession, async (call) => {
      await endSession(
        deps,
        { id: call.caller.sessionId, userId: call.caller.userId },
        "logout",
        originOf(call),
      );
      return answer(204);
    }),

    serve(endpoints.endSession, async (call) => {
      const cause = call.params.id === call.caller.sessionId ? "logout" : "logout_other_device";
      await endSession(
        deps,
        { id: call.params.id, userId: call.caller.userId },
        cause,
        originOf(call),
      );
      return answer(204);
    }),

    serve(endpoints.endAllSessions, async (call) => {
      await endAllSessions(deps, call.caller.userId, "logout_everywhere", originOf(call));
      return answer(204);
    }),
  ];
}
