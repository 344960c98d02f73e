import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { singleFlight } from "../../platform/kernel/single-flight.ts";
import type { CountForgery } from "./forgeries.ts";
import { refresh, type RefreshDeps, type RefreshOutcome } from "./refresh.ts";
import type { SessionPolicy } from "./session-policy.ts";

/** The finding about a call that has a refresh token neither in its body nor in a cookie. */
export const missing = { path: "/refreshToken", message: "is required" };

export interface RefreshRouteDeps extends RefreshDeps {
  readonly countForgery: CountForgery;
  /** The lifetimes of native sessions. */
  readonly sessionPolicy: SessionPolicy;
}

/** Serves the exchange of a refresh token for new tokens. */
export function refreshRoute(deps: RefreshRouteDeps): Route {
  const once = singleFlight<RefreshOutcome>();

  return serve(endpoints.refreshSession, async (call) => {
    const { refreshToken = call.cookies?.refreshToken, attemptId } = call.input;
    if (refreshToken === undefined)
      return call.cookies === undefined
        ? refuse("invalid_input", { errors: [missing] })
        : refuse("unauthenticated");
    // Requests that arrive together with the same token share one transaction and its answer.
    const outcome = await once(`${refreshToken} ${attemptId ?? ""}`, async () =>
      refresh(deps, { token: refreshToken, attemptId, policy: deps.sessionPolicy }, originOf(call)),
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
  });
}
