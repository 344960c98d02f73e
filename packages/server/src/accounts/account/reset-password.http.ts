import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { confirmReset, startReset, startResetFor } from "./reset-password.ts";
import type { ResetDeps } from "./reset-password.ts";
import { busy, notAnAddress } from "./refusals.ts";

/** Serves the reset of a forgotten password. */
export function resetPasswordRoutes(deps: ResetDeps): readonly Route[] {
  return [
    serve(endpoints.startPasswordReset, async (call) => {
      const outcome = await startReset(deps, call.input.email, originOf(call));
      if ("kind" in outcome)
        return refuse("invalid_input", { errors: [{ path: "/email", message: notAnAddress }] });
      return answer(202, { resetId: outcome.resetId, expiresAt: outcome.expiresAt });
    }),

    serve(endpoints.confirmPasswordReset, async (call) => {
      const { newPassword, ...proof } = call.input;
      const outcome = await confirmReset(deps, proof, newPassword, originOf(call));
      switch (outcome.kind) {
        case "reset":
          return answer(204);
        case "unacceptable_password":
          return refuse("unacceptable_password", { reason: outcome.reason });
        case "busy":
          return busy;
        default:
          return refuse(outcome.kind);
      }
    }),

    serve(endpoints.adminStartPasswordReset, async (call) => {
      const outcome = await startResetFor(deps, call.params.id, originOf(call, "superuser"));
      switch (outcome.kind) {
        case "started":
          return answer(202);
        case "unknown":
          return refuse("not_found");
        case "no_address":
          return refuse("no_address");
      }
    }),
  ];
}
