import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { toAccount } from "./account.ts";
import { setUp } from "./setup.ts";
import type { RegisterDeps } from "./register.ts";
import { refuseUnacceptable } from "./refusals.ts";

/** Serves the setup of the first superuser. */
export function setUpRoutes(deps: RegisterDeps): readonly Route[] {
  return [
    serve(endpoints.setUp, async (call) => {
      const outcome = await setUp(deps, call.input, originOf(call));
      switch (outcome.kind) {
        case "created":
          return answer(201, toAccount(outcome.user));
        case "guarded":
          return refuse("setup_closed");
        case "invalid":
        case "unacceptable_password":
        case "busy":
          return refuseUnacceptable(outcome);
        case "email_taken":
        case "username_taken":
          return refuse("email_taken");
      }
    }),
  ];
}
