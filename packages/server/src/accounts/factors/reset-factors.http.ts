import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { resetFactors, type ResetFactorsDeps } from "./reset-factors.ts";

/** Serves the removal of every factor of a user, for superusers. */
export function resetFactorsRoutes(deps: ResetFactorsDeps): readonly Route[] {
  return [
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
  ];
}
