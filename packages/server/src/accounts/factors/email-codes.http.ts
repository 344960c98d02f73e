import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import type { Tx } from "../../platform/db/open.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { changerOf, enrolInSession, removeInSession } from "./change.ts";
import { beginEmailCodes, createEmailCodes } from "./email-codes.ts";
import { deleteEmailFactor } from "./email-codes.store.ts";
import type { FactorRoutesDeps } from "./enrolment.ts";
import { findEnroller, takeTry, refuseEnrolment, afterRemoval } from "./enrolment.ts";

/** Serves the enrolment and removal of codes by e-mail. */
export function emailCodeRoutes(deps: FactorRoutesDeps): readonly Route[] {
  const email = createEmailCodes(deps);
  return [
    serve(endpoints.startEmailCodes, async (call) => {
      const { caller } = call;
      const user = await findEnroller(deps, caller);
      if ("kind" in user) return user;
      const flow = { kind: "enrolment", id: caller.sessionId } as const;
      const begun = await beginEmailCodes(deps, {
        flow,
        user,
        origin: originOf(call),
      });
      switch (begun.kind) {
        case "prepared":
          return answer(202, {
            expiresAt: begun.prepared.expiresAt,
            resendAt: begun.prepared.resendAt,
          });
        case "no_address":
          return refuse("no_address");
        case "unavailable":
          return refuse("factor_unavailable");
        case "throttled":
          return refuse("rate_limited", { retryAfterSeconds: begun.retryAfterSeconds });
      }
    }),

    serve(endpoints.confirmEmailCodes, async (call) => {
      const tried = await takeTry(deps, "email", call.caller);
      if (tried.kind === "exhausted")
        return refuse("rate_limited", { retryAfterSeconds: tried.retryAfterSeconds });
      const { code, endOtherSessions = false } = call.input;
      const enrolling = {
        policy: deps.sessionPolicy,
        factor: email,
        proof: { factor: "email", code },
        endOtherSessions,
      } as const;
      const outcome = await enrolInSession(deps, changerOf(call), enrolling, originOf(call));
      if (outcome.kind !== "enrolled") return refuseEnrolment(outcome);
      return answer(200, { tokens: outcome.tokens, recoveryCodes: outcome.recoveryCodes });
    }),

    serve(endpoints.removeEmailCodes, async (call) => {
      const { userId } = call.caller;
      const removing = {
        name: "email",
        remove: async (tx: Tx) => deleteEmailFactor(tx, userId),
        ...call.query,
      } as const;
      return afterRemoval(await removeInSession(deps, changerOf(call), removing, originOf(call)));
    }),
  ];
}
