import { ownDataRoutes } from "./own-data.http.ts";
import type { Route } from "../../platform/http/serve.ts";
import type { ChangeEmailDeps } from "./change-email.ts";
import { changePasswordRoute } from "./change-password.http.ts";
import type { ChangePasswordDeps } from "./change-password.ts";
import { resetPasswordRoutes } from "./reset-password.http.ts";
import { changeEmailRoutes } from "./change-email.http.ts";
import { changeUsernameRoutes } from "./change-username.http.ts";

export function accountRoutes(deps: ChangeEmailDeps & ChangePasswordDeps): readonly Route[] {
  return [
    ...resetPasswordRoutes(deps),
    ...changeEmailRoutes(deps),
    ...changeUsernameRoutes(deps),
    changePasswordRoute(deps),
    ...ownDataRoutes(deps),
  ];
}
