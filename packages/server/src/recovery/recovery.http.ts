import { endpoints } from "@portcullis/contract";
import { originOf } from "../audit/origin.ts";
import { answer, refuse, serve, type Route } from "../http/serve.ts";
import { confirmReset, startReset, startResetFor, type ResetDeps } from "./reset-password.ts";

export function recoveryRoutes(deps: ResetDeps): readonly Route[] {
  return [
    serve(endpoints.startPasswordReset, async (call) => {
      const outcome = await startReset(deps, call.input.email, originOf(call));
      if ("kind" in outcome) return refuse("invalid_input", { errors: [{ path: "/email", message: "must be one plain e-mail address" }] });
      return answer(202, { resetId: outcome.resetId, expiresAt: outcome.expiresAt });
    }),

    serve(endpoints.confirmPasswordReset, async (call) => {
      const { newPassword, ...proof } = call.input;
      const outcome = await confirmReset(deps, proof, newPassword, originOf(call));
      switch (outcome.kind) {
        case "reset":
          return answer(204);
        case "invalid_code":
          return refuse("invalid_code");
        case "unacceptable_password":
          return refuse("unacceptable_password", { reason: outcome.reason });
        case "busy":
          return refuse("busy", { retryAfterSeconds: 1 });
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
