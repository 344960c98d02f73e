import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { toAccount } from "../users/account.ts";
import { changeUsername } from "./change-username.ts";
import type { ChangeUsernameDeps } from "./change-username.ts";
import { signedIn, refuseUnmatched } from "./refusals.ts";

/** Serves the change of the username. */
export function changeUsernameRoutes(deps: ChangeUsernameDeps): readonly Route[] {
  return [
    serve(endpoints.changeUsername, async (call) => {
      const outcome = await changeUsername(deps, signedIn(call), call.input, originOf(call));
      switch (outcome.kind) {
        case "changed":
          return answer(200, toAccount(outcome.user));
        case "invalid":
          return refuse("invalid_input", {
            errors: [{ path: "/username", message: outcome.reason }],
          });
        case "session_ended":
        case "username_taken":
        case "no_address":
          return refuse(outcome.kind);
        default:
          return refuseUnmatched(outcome);
      }
    }),
  ];
}
