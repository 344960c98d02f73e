import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Caller, type Route } from "../../platform/http/serve.ts";
import { signTokens } from "../sessions/open.ts";
import type { SignedIn } from "../users/ports.ts";
import type { SignInRoutesDeps } from "./sign-in.ts";
import { prepareStepUp, stepUp, type StepUpDeps } from "./step-up.ts";
import { busy, refuseProof } from "./refusals.ts";

/** Serves step-up: a fresh proof within a session. */
export function stepUpRoutes(deps: StepUpDeps & SignInRoutesDeps): readonly Route[] {
  return [
    serve(endpoints.stepUp, async (call) => {
      const { input } = call;
      const policy = deps.signInPolicy.sessions;
      const outcome = await stepUp(deps, signedIn(call), { policy, shown: input }, originOf(call));
      switch (outcome.kind) {
        case "raised":
          return answer(200, {
            ...signTokens(deps, outcome.opened.grant),
            recoveryCodesLeft: outcome.recoveryCodesLeft,
          });
        case "session_ended":
          return refuse("session_ended");
        case "second_factor_required":
          return refuse("second_factor_required", { factors: outcome.factors });
        case "mismatched":
          return refuse("wrong_password");
        case "factor_mismatched":
          return "factor" in input ? refuseProof(input) : refuse("second_factor_required");
        case "throttled":
          return refuse("rate_limited", { retryAfterSeconds: outcome.retryAfterSeconds });
        case "busy":
          return busy;
      }
    }),

    serve(endpoints.prepareStepUp, async (call) => {
      const outcome = await prepareStepUp(deps, signedIn(call), call.input.factor, originOf(call));
      switch (outcome.kind) {
        case "prepared":
          return answer(200, outcome.prepared);
        case "session_ended":
          return refuse("session_ended");
        case "unavailable":
          return refuse("factor_unavailable");
        case "no_address":
          return refuse("no_address");
        case "throttled":
          return refuse("rate_limited", { retryAfterSeconds: outcome.retryAfterSeconds });
      }
    }),
  ];
}

function signedIn({ caller }: { readonly caller: Caller }): SignedIn {
  return { userId: caller.userId, sessionId: caller.sessionId };
}
