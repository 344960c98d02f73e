import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { toAccount } from "./account.ts";
import { register, type RegisterDeps } from "./register.ts";
import { refuseUnacceptable } from "./refusals.ts";

/** Serves registration. */
export function registerRoutes(deps: RegisterDeps): readonly Route[] {
  return [
    serve(endpoints.registerUser, async (call) => {
      const outcome = await register(deps, call.input, originOf(call));
      switch (outcome.kind) {
        case "pending":
          return answer(202, {
            registrationId: outcome.registrationId,
            clientSecret: outcome.clientSecret,
            expiresAt: outcome.expiresAt,
          });
        case "registered":
          return answer(201, toAccount(outcome.user));
        case "closed":
          return refuse("registration_closed");
        case "invalid":
        case "unacceptable_password":
        case "busy":
          return refuseUnacceptable(outcome);
        case "email_taken":
        case "username_taken":
          return refuse(outcome.kind);
      }
    }),
  ];
}
