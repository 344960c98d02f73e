import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { signTokens } from "../sessions/open.ts";
import {
  answerChallenge,
  enrolInChallenge,
  prepareChallenge,
  type PrepareOutcome,
} from "./challenge.ts";
import type { SignInRoutesDeps } from "./sign-in.ts";
import { busy, refuseProof } from "./refusals.ts";

/** Serves the second step of a sign-in. */
export function challengeRoutes(deps: SignInRoutesDeps): readonly Route[] {
  const policy = deps.signInPolicy;
  return [
    serve(endpoints.answerChallenge, async (call) => {
      const { challengeSecret, rememberDevice, ...proof } = call.input;
      const claim = { challengeId: call.params.id, challengeSecret };
      const asked = { policy, ...claim, proof, rememberDevice };
      const outcome = await answerChallenge(deps, asked, originOf(call));
      switch (outcome.kind) {
        case "opened": {
          const { deviceToken, rememberToken, recoveryCodesLeft, recoveryCodes } = outcome;
          const told = { deviceToken, rememberToken, recoveryCodesLeft, recoveryCodes };
          return answer(201, { ...signTokens(deps, outcome.opened.grant), ...told });
        }
        case "invalid_challenge":
          return refuse("invalid_challenge");
        case "mismatched":
          return refuseProof(proof);
        case "throttled":
          return refuse("rate_limited", { retryAfterSeconds: outcome.retryAfterSeconds });
        case "busy":
          return busy;
      }
    }),

    serve(endpoints.prepareChallenge, async (call) => {
      const outcome = await prepareChallenge(
        deps,
        { policy, challengeId: call.params.id, ...call.input },
        originOf(call),
      );
      return outcome.kind === "prepared"
        ? answer(200, outcome.prepared)
        : refuseUnprepared(outcome);
    }),

    serve(endpoints.enrolInChallenge, async (call) => {
      const outcome = await enrolInChallenge(
        deps,
        { policy, challengeId: call.params.id, ...call.input },
        originOf(call),
      );
      return outcome.kind === "prepared"
        ? answer(200, outcome.prepared)
        : refuseUnprepared(outcome);
    }),
  ];
}

function refuseUnprepared(
  outcome: Exclude<PrepareOutcome<unknown>, { readonly kind: "prepared" }>,
) {
  switch (outcome.kind) {
    case "invalid_challenge":
    case "no_address":
      return refuse(outcome.kind);
    case "unavailable":
      return refuse("factor_unavailable");
    case "throttled":
      return refuse("rate_limited", { retryAfterSeconds: outcome.retryAfterSeconds });
  }
}
