import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { toAccount } from "./account.ts";
import { confirm, confirmByLink, registrationState, resend } from "./confirm-registration.ts";
import type { RegisterDeps } from "./register.ts";

/** Serves the confirmation of a registration, and its state for the client that began it. */
export function confirmRegistrationRoutes(deps: RegisterDeps): readonly Route[] {
  return [
    serve(endpoints.confirmUser, async (call) => {
      const outcome = await confirm(deps, call.input, originOf(call));
      if (outcome.kind === "registered") return answer(201, toAccount(outcome.user));
      return refuse(outcome.kind === "closed" ? "registration_closed" : outcome.kind);
    }),

    serve(endpoints.confirmUserByLink, async (call) => {
      const outcome = await confirmByLink(deps, call.input, originOf(call));
      switch (outcome.kind) {
        case "registered":
          return answer(201, toAccount(outcome.user));
        case "closed":
          return refuse("registration_closed");
        case "busy":
          return refuse("busy");
        default:
          return refuse(outcome.kind);
      }
    }),

    serve(endpoints.resendRegistration, async (call) => {
      const outcome = await resend(deps, call.input);
      if (outcome.kind === "resent") return answer(202, { expiresAt: outcome.expiresAt });
      return refuse(outcome.kind === "closed" ? "registration_closed" : "not_found");
    }),

    serve(endpoints.getRegistration, async (call) => {
      const state = await registrationState(deps, call.input);
      return state === "not_found" ? refuse("not_found") : answer(200, { state });
    }),
  ];
}
