import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import {
  answer,
  refuse,
  serve,
  type Caller,
  type Client,
  type Route,
} from "../../platform/http/serve.ts";
import { toAccount } from "../users/account.ts";
import type { OwnPasswordOutcome, SignedIn } from "../users/ports.ts";
import {
  confirmEmailChange,
  confirmEmailChangeByLink,
  startEmailChange,
  undoEmailChange,
  type ChangeEmailDeps,
} from "./change-email.ts";
import { changeUsername } from "./change-username.ts";
import { confirmReset, startReset, startResetFor } from "./reset-password.ts";

const busy = refuse("busy", { retryAfterSeconds: 1 });
const notAnAddress = "must be one plain e-mail address";

export function recoveryRoutes(deps: ChangeEmailDeps): readonly Route[] {
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
      const outcome = await confirmEmailChangeByLink(deps, call.input, call.client, originOf(call));
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

function signedIn({
  caller,
  client,
}: {
  readonly caller: Caller;
  readonly client: Client;
}): SignedIn {
  return {
    userId: caller.userId,
    sessionId: caller.sessionId,
    client,
    hasShownFactor: caller.claims.acr === "aal2",
  };
}

function refuseUnmatched(own: Exclude<OwnPasswordOutcome, { readonly kind: "matched" }>) {
  switch (own.kind) {
    case "mismatched":
      return refuse("wrong_password");
    case "throttled":
      return refuse("rate_limited", { retryAfterSeconds: own.retryAfterSeconds });
    case "busy":
      return busy;
  }
}
