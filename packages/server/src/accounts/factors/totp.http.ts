import { endpoints } from "@portcullis/contract";
import assert from "node:assert/strict";
import { originOf } from "../../records/audit/origin.ts";
import type { Tx } from "../../platform/db/open.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { changerOf, enrolInSession, removeInSession } from "./change.ts";
import { beginTotp, createTotp, findPending } from "./totp.ts";
import { deleteTotp } from "./totp.store.ts";
import type { FactorRoutesDeps } from "./enrolment.ts";
import { findEnroller, takeTry, refuseEnrolment, afterRemoval } from "./enrolment.ts";

/** Serves the enrolment and removal of authenticator apps. */
export function totpRoutes(deps: FactorRoutesDeps): readonly Route[] {
  const totp = createTotp(deps);
  return [
    serve(endpoints.startTotp, async ({ caller, input }) => {
      const user = await findEnroller(deps, caller);
      if ("kind" in user) return user;
      const begun = await beginTotp(deps, {
        flow: { kind: "enrolment", id: caller.sessionId },
        user,
        name: input.name,
      });
      return begun.kind === "prepared" ? answer(201, begun.prepared) : refuse("too_many_factors");
    }),

    serve(endpoints.confirmTotp, async (call) => {
      const { id } = call.params;
      if ((await findPending(deps, call.caller.userId))?.id !== id) return refuse("not_found");
      const tried = await takeTry(deps, "totp", call.caller);
      if (tried.kind === "exhausted")
        return refuse("rate_limited", { retryAfterSeconds: tried.retryAfterSeconds });
      const { code, endOtherSessions = false } = call.input;
      const enrolling = {
        policy: deps.sessionPolicy,
        factor: totp,
        proof: { factor: "totp", code },
        endOtherSessions,
      } as const;
      const outcome = await enrolInSession(deps, changerOf(call), enrolling, originOf(call));
      if (outcome.kind !== "enrolled") return refuseEnrolment(outcome);
      assert(outcome.id !== undefined, "an authenticator app was confirmed without an id");
      return answer(200, {
        id: outcome.id,
        tokens: outcome.tokens,
        recoveryCodes: outcome.recoveryCodes,
      });
    }),

    serve(endpoints.removeTotp, async (call) => {
      const which = { id: call.params.id, userId: call.caller.userId };
      const removing = {
        name: "totp",
        remove: async (tx: Tx) => deleteTotp(tx, which),
        ...call.query,
      } as const;
      return afterRemoval(await removeInSession(deps, changerOf(call), removing, originOf(call)));
    }),
  ];
}
