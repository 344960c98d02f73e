import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { changerOf } from "./change.ts";
import { renewCodes } from "./recovery-codes.ts";
import type { FactorRoutesDeps } from "./enrolment.ts";
import { busy } from "./enrolment.ts";

/** Serves new recovery codes. */
export function recoveryCodeRoutes(deps: FactorRoutesDeps): readonly Route[] {
  return [
    serve(endpoints.makeRecoveryCodes, async (call) => {
      const outcome = await renewCodes(deps, changerOf(call), originOf(call));
      switch (outcome.kind) {
        case "renewed":
          return answer(201, { recoveryCodes: outcome.codes });
        case "no_factor":
        case "session_ended":
          return refuse(outcome.kind);
        case "off":
          return refuse("factors_off");
        case "insufficient":
          return outcome.refusal;
        case "busy":
          return busy;
      }
    }),
  ];
}
