import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { singleFlight } from "../../platform/kernel/single-flight.ts";
import { readRefreshToken } from "./refresh-token.ts";
import { refresh, type RefreshDeps, type RefreshOutcome } from "./refresh.ts";
import { endAllSessions, endSession } from "./revoke.ts";
import type { SessionPolicy } from "./session-policy.ts";
import { listLiveSessions, type Session } from "./sessions.store.ts";

/** Counts a token nobody here made against the address that sent it (RF-12). */
export type CountForgery = (
  address: string,
) => Promise<
  { readonly kind: "taken" } | { readonly kind: "exhausted"; readonly retryAfterSeconds: number }
>;

export interface SessionRoutesDeps extends RefreshDeps {
  readonly countForgery: CountForgery;
  /** The lifetimes of native sessions. */
  readonly sessionPolicy: SessionPolicy;
}

export function sessionRoutes(deps: SessionRoutesDeps): readonly Route[] {
  const once = singleFlight<RefreshOutcome>();

  return [
    serve(endpoints.refreshSession, async (call) => {
      const { refreshToken, attemptId } = call.input;
      // A burst with one token is one transaction; everybody gets its answer.
      const outcome = await once(`${refreshToken} ${attemptId ?? ""}`, async () =>
        refresh(
          deps,
          { token: refreshToken, attemptId, policy: deps.sessionPolicy },
          originOf(call),
        ),
      );
      switch (outcome.kind) {
        case "refreshed":
          return answer(200, outcome.tokens);
        case "ended":
          return refuse("session_ended", { cause: outcome.cause, endedAt: outcome.endedAt });
        case "paused":
          return refuse("account_paused");
        case "spent":
        case "invalid": {
          const counted = await deps.countForgery(call.client.address);
          return counted.kind === "exhausted"
            ? refuse("rate_limited", { retryAfterSeconds: counted.retryAfterSeconds })
            : refuse("invalid_refresh_token");
        }
      }
    }),

    serve(endpoints.logOut, async (call) => {
      const claims = readRefreshToken(deps.keyring, call.input.refreshToken);
      if (claims === undefined) {
        const counted = await deps.countForgery(call.client.address);
        return counted.kind === "exhausted"
          ? refuse("rate_limited", { retryAfterSeconds: counted.retryAfterSeconds })
          : answer(204);
      }
      await endSession(deps, { id: claims.sid }, "logout", originOf(call));
      return answer(204);
    }),

    serve(endpoints.getToken, ({ caller: { claims } }) =>
      answer(200, {
        userId: claims.sub,
        sessionId: claims.sid,
        issuedAt: claims.iat,
        expiresAt: claims.exp,
        authenticatedAt: claims.auth_time,
        amr: claims.amr,
        acr: claims.acr,
      }),
    ),

    serve(endpoints.listSessions, async ({ caller }) => {
      const sessions = await listLiveSessions(deps.db, caller.userId, deps.clock.now());
      return answer(200, {
        items: sessions.map((session) => ({
          ...toListed(session),
          current: session.id === caller.sessionId,
        })),
      });
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

export function toListed(session: Session) {
  return {
    id: session.id,
    createdAt: session.createdAt,
    lastUsedAt: session.lastUsedAt,
    idleEndsAt: session.idleEndsAt,
    endsAt: session.endsAt,
    address: session.address,
    userAgent: session.userAgent,
    amr: session.amr,
  };
}
