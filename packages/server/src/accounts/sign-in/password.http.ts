import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { signTokens } from "../sessions/open.ts";
import { openChallenge, type OpenChallenge } from "./challenge.ts";
import { signIn, type SignInRoutesDeps } from "./sign-in.ts";
import { busy } from "./refusals.ts";

/** Serves the first step of a sign-in: identifier and password. */
export function passwordRoutes(deps: SignInRoutesDeps): readonly Route[] {
  return [
    serve(
      endpoints.signIn,
      async (call) => {
        const asked = { policy: deps.signInPolicy, credentials: call.input };
        const outcome = await signIn(deps, asked, originOf(call));
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
  ];
}

function answerPending(challenge: OpenChallenge | undefined) {
  return challenge === undefined ? refuse("invalid_credentials") : answer(202, challenge);
}
