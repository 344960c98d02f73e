import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { toAccount } from "../users/account.ts";
import {
  confirmEmailChange,
  confirmEmailChangeByLink,
  startEmailChange,
  undoEmailChange,
  type ChangeEmailDeps,
} from "./change-email.ts";
import { notAnAddress, signedIn, refuseUnmatched } from "./refusals.ts";

/** Serves the change of the e-mail address, its confirmation and its undo. */
export function changeEmailRoutes(deps: ChangeEmailDeps): readonly Route[] {
  return [
    serve(endpoints.changeEmail, async (call) => {
      const outcome = await startEmailChange(deps, signedIn(call), call.input, originOf(call));
      switch (outcome.kind) {
        case "started":
          return answer(202, { changeId: outcome.changeId, expiresAt: outcome.expiresAt });
        case "invalid":
          return refuse("invalid_input", {
            errors: [{ path: "/newEmail", message: notAnAddress }],
          });
        case "session_ended":
          return refuse("session_ended");
        default:
          return refuseUnmatched(outcome);
      }
    }),

    serve(endpoints.confirmEmailChange, async (call) => {
      const outcome = await confirmEmailChange(deps, signedIn(call), call.input, originOf(call));
      return outcome.kind === "confirmed"
        ? answer(200, toAccount(outcome.user))
        : refuse(outcome.kind);
    }),

    serve(endpoints.confirmEmailChangeByLink, async (call) => {
      const outcome = await confirmEmailChangeByLink(deps, call.input, originOf(call));
      switch (outcome.kind) {
        case "confirmed":
          return answer(204);
        case "mismatched":
        case "throttled":
        case "busy":
          return refuseUnmatched(outcome);
        default:
          return refuse(outcome.kind);
      }
    }),

    serve(endpoints.undoEmailChange, async (call) => {
      const outcome = await undoEmailChange(deps, call.input.token, originOf(call));
      return outcome.kind === "undone" ? answer(204) : refuse(outcome.kind);
    }),
  ];
}
