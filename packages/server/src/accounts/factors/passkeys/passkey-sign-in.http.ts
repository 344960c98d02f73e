import { endpoints } from "@portcullis/contract";
import { originOf } from "../../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../../platform/http/serve.ts";
import { signTokens } from "../../sessions/open.ts";
import type { SignInRoutesDeps } from "../../sign-in/sign-in.ts";
import {
  signInWithPasskey,
  startPasskeySignIn,
  type PasskeySignInDeps,
} from "./passkey-sign-in.ts";

/** Serves the two steps of a sign-in with a passkey alone. */
export function passkeySignInRoutes(deps: PasskeySignInDeps & SignInRoutesDeps): readonly Route[] {
  return [
    serve(endpoints.startPasskeySignIn, () => answer(201, startPasskeySignIn(deps))),

    serve(endpoints.signInWithPasskey, async (call) => {
      const asked = { policy: deps.signInPolicy, ...call.input };
      const outcome = await signInWithPasskey(deps, asked, originOf(call));
      if (outcome.kind === "refused") return refuse("invalid_passkey");
      return answer(201, {
        ...signTokens(deps, outcome.opened.grant),
        deviceToken: outcome.deviceToken,
      });
    }),
  ];
}
