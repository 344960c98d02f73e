import { endpoints, type Proof } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import {
  answer,
  refuse,
  serve,
  type Caller,
  type Client,
  type Route,
} from "../../platform/http/serve.ts";
import { signTokens } from "../sessions/open.ts";
import type { SignedIn } from "../users/ports.ts";
import {
  answerChallenge,
  enrolInChallenge,
  openChallenge,
  prepareChallenge,
  type OpenChallenge,
  type PrepareOutcome,
} from "./challenge.ts";
import { forgetDevice } from "./remembered-devices.ts";
import { listDevices } from "./remembered-devices.store.ts";
import { signIn } from "./sign-in.ts";
import { prepareStepUp, stepUp, type StepUpDeps } from "./step-up.ts";

const busy = refuse("busy", { retryAfterSeconds: 1 });

export function signInRoutes(deps: StepUpDeps): readonly Route[] {
  return [
    serve(
      endpoints.signIn,
      async (call) => {
        const outcome = await signIn(deps, call.input, call.client, originOf(call));
        switch (outcome.kind) {
          case "opened":
            return answer(201, {
              ...signTokens(deps, outcome.opened.grant),
              deviceToken: outcome.deviceToken,
            });
          case "challenge":
            return answerPending(await openChallenge(deps, outcome));
          case "refused":
            return refuse("invalid_credentials");
          case "throttled":
            return refuse("rate_limited", { retryAfterSeconds: outcome.retryAfterSeconds });
          case "busy":
            return busy;
        }
      },
      () => (deps.hasher.isFull() ? busy : undefined),
    ),

    serve(endpoints.answerChallenge, async (call) => {
      const { challengeSecret, rememberDevice, ...proof } = call.input;
      const asked = { challengeId: call.params.id, challengeSecret, proof, rememberDevice };
      const outcome = await answerChallenge(deps, asked, call.client, originOf(call));
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
        { challengeId: call.params.id, ...call.input },
        call.client,
        originOf(call),
      );
      return outcome.kind === "prepared"
        ? answer(200, outcome.prepared)
        : refuseUnprepared(outcome);
    }),

    serve(endpoints.enrolInChallenge, async (call) => {
      const outcome = await enrolInChallenge(
        deps,
        { challengeId: call.params.id, ...call.input },
        call.client,
        originOf(call),
      );
      return outcome.kind === "prepared"
        ? answer(200, outcome.prepared)
        : refuseUnprepared(outcome);
    }),

    serve(endpoints.stepUp, async (call) => {
      const { input } = call;
      const outcome = await stepUp(deps, signedIn(call), input, originOf(call));
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

    serve(endpoints.listRememberedDevices, async ({ caller }) => {
      const devices = await listDevices(deps.db, caller.userId, deps.clock.now());
      const items = devices.map(({ id, createdAt, lastUsedAt, expiresAt, address, userAgent }) => ({
        id,
        createdAt,
        lastUsedAt,
        expiresAt,
        address,
        userAgent,
      }));
      return answer(200, { items });
    }),

    serve(endpoints.forgetRememberedDevice, async (call) => {
      await forgetDevice(deps, { id: call.params.id, userId: call.caller.userId }, originOf(call));
      return answer(204);
    }),
  ];
}

function answerPending(challenge: OpenChallenge | undefined) {
  return challenge === undefined ? refuse("invalid_credentials") : answer(202, challenge);
}

function refuseProof({ factor }: Proof) {
  return refuse(factor === "passkey" ? "invalid_passkey" : "invalid_code");
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

function signedIn({
  caller,
  client,
}: {
  readonly caller: Caller;
  readonly client: Client;
}): SignedIn {
  return { userId: caller.userId, sessionId: caller.sessionId, client };
}
