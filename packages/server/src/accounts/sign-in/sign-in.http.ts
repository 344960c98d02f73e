import type { Route } from "../../platform/http/serve.ts";
import type { StepUpDeps } from "./step-up.ts";
import { passwordRoutes } from "./password.http.ts";
import { challengeRoutes } from "./challenge.http.ts";
import { stepUpRoutes } from "./step-up.http.ts";
import type { SignInRoutesDeps } from "./sign-in.ts";
import { rememberedDeviceRoutes } from "./remembered-devices.http.ts";

export function signInRoutes(deps: StepUpDeps & SignInRoutesDeps): readonly Route[] {
  return [
    ...passwordRoutes(deps),
    ...challengeRoutes(deps),
    ...stepUpRoutes(deps),
    ...rememberedDeviceRoutes(deps),
  ];
}
