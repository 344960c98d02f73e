import type { Route } from "../../../platform/http/serve.ts";
import { ownPasskeyRoutes } from "./own-passkeys.http.ts";
import { passkeySignInRoutes } from "./passkey-sign-in.http.ts";
import { registerPasskeyRoutes, type RegisterPasskeyDeps } from "./register-passkey.http.ts";
import { removePasswordRoute } from "./remove-password.http.ts";

export function passkeyRoutes(deps: RegisterPasskeyDeps): readonly Route[] {
  return [
    ...registerPasskeyRoutes(deps),
    ...ownPasskeyRoutes(deps),
    removePasswordRoute(deps),
    ...passkeySignInRoutes(deps),
  ];
}
