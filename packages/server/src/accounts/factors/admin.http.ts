import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { invalidCursor } from "../../platform/http/cursor.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { enrolledFactors, type Factor } from "../sign-in/factor.ts";
import { isDemanded } from "../sign-in/policy.ts";
import { findUser } from "../users/users.store.ts";
import { reportOn, type ReportDeps } from "./report.ts";
import { resetFactors, type ResetFactorsDeps } from "./reset-factors.ts";

export interface FactorAdminDeps extends ReportDeps, ResetFactorsDeps {
  readonly factors: readonly Factor[];
}

export function factorAdminRoutes(deps: FactorAdminDeps): readonly Route[] {
  return [
    serve(endpoints.adminGetFactors, async ({ params }) => {
      const user = await findUser(deps.db, params.id);
      if (user === undefined) return refuse("not_found");
      const enrolled = await enrolledFactors(deps.db, deps.factors, user.id);
      return answer(200, {
        factors: enrolled.map(({ name }) => name),
        required: isDemanded(deps.mfaPolicy, user),
      });
    }),

    serve(endpoints.adminResetFactors, async (call) => {
      const outcome = await resetFactors(deps, call.params.id, originOf(call, "superuser"));
      switch (outcome.kind) {
        case "reset":
          return answer(204);
        case "unknown":
          return refuse("not_found");
        case "last_credential":
          return refuse("last_credential");
      }
    }),

    serve(endpoints.adminMfaReport, async ({ query }) => {
      const report = await reportOn(deps, query);
      if (report.kind !== "report") return invalidCursor();
      const { policy, concerned, without, withoutRecoveryCodes, users: items, nextCursor } = report;
      return answer(200, { policy, concerned, without, withoutRecoveryCodes, items, nextCursor });
    }),
  ];
}
