import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { accountOf } from "./account-of-caller.ts";
import { toAccount } from "./account.ts";
import { deleteSelf, type DeleteSelfDeps } from "./delete-user.ts";
import { confirm, confirmByLink, registrationState, resend } from "./confirm-registration.ts";
import { register, type InputProblem, type RegisterDeps, type Unacceptable } from "./register.ts";
import { setUp } from "./setup.ts";
import { updateMe, type UpdateMeDeps } from "./update-me.ts";

export type UserRoutesDeps = RegisterDeps & UpdateMeDeps & DeleteSelfDeps;

export function userRoutes(deps: UserRoutesDeps): readonly Route[] {
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

    serve(endpoints.getMe, async (call) => {
      const user = await accountOf(deps.db, call.caller);
      return user === undefined
        ? refuse("session_ended", { cause: "user_deleted" })
        : answer(200, toAccount(user));
    }),

    serve(endpoints.updateMe, async (call) => {
      const outcome = await updateMe(deps, call.caller.userId, call.input, originOf(call));
      switch (outcome.kind) {
        case "updated":
          return answer(200, toAccount(outcome.user));
        case "gone":
          return refuse("session_ended", { cause: "user_deleted" });
        case "paused":
          return refuse("account_paused");
        case "invalid":
          return refuseInput(outcome.problems);
      }
    }),

    serve(endpoints.deleteMe, async (call) => {
      const { caller, client, input } = call;
      const outcome = await deleteSelf(
        deps,
        {
          userId: caller.userId,
          sessionId: caller.sessionId,
          client,
          hasShownFactor: caller.claims.acr === "aal2",
        },
        input.password,
        originOf(call),
      );
      switch (outcome.kind) {
        case "done":
        case "unknown":
          return answer(204);
        case "mismatched":
          return refuse("wrong_password");
        case "last_superuser":
          return refuse("last_superuser");
        case "throttled":
          return refuse("rate_limited", { retryAfterSeconds: outcome.retryAfterSeconds });
        case "busy":
          return refuse("busy");
      }
    }),
  ];
}

function refuseUnacceptable(outcome: Unacceptable) {
  switch (outcome.kind) {
    case "invalid":
      return refuseInput(outcome.problems);
    case "unacceptable_password":
      return refuse("unacceptable_password", { reason: outcome.reason });
    case "busy":
      return refuse("busy");
  }
}

function refuseInput(problems: readonly InputProblem[]) {
  return refuse("invalid_input", { errors: problems.map((problem) => ({ ...problem })) });
}
