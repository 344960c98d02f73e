import type { Route } from "../../platform/http/serve.ts";
import type { DeleteSelfDeps } from "./delete-user.ts";
import type { RegisterDeps } from "./register.ts";
import type { UpdateMeDeps } from "./update-me.ts";
import { registerRoutes } from "./register.http.ts";
import { confirmRegistrationRoutes } from "./confirm-registration.http.ts";
import { setUpRoutes } from "./setup.http.ts";
import { meRoutes } from "./me.http.ts";
import { deleteSelfRoutes } from "./delete-self.http.ts";

export function userRoutes(deps: RegisterDeps & UpdateMeDeps & DeleteSelfDeps): readonly Route[] {
  return [
    ...registerRoutes(deps),
    ...confirmRegistrationRoutes(deps),
    ...setUpRoutes(deps),
    ...meRoutes(deps),
    ...deleteSelfRoutes(deps),
  ];
}
