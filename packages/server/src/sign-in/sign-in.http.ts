import { endpoints } from "@portcullis/contract";
import { originOf } from "../audit/origin.ts";
import { answer, refuse, serve, type Route } from "../http/serve.ts";
import { signTokens } from "../sessions/open.ts";
import { signIn, type SignInDeps } from "./sign-in.ts";

const busy = refuse("busy", { retryAfterSeconds: 1 });

export function signInRoutes(deps: SignInDeps): readonly Route[] {
  return [
    serve(
      endpoints.signIn,
      async (call) => {
        const outcome = await signIn(deps, call.input, call.client, originOf(call));
        switch (outcome.kind) {
          case "opened":
            return answer(201, { ...signTokens(deps, outcome.opened.grant), deviceToken: outcome.deviceToken });
          case "challenge":
            return refuse("second_factor_required", { factors: outcome.factors });
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
