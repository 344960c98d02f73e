import type { Route } from "../../platform/http/serve.ts";
import type { FactorRoutesDeps } from "./enrolment.ts";
import { listFactorRoutes } from "./list-factors.http.ts";
import { totpRoutes } from "./totp.http.ts";
import { recoveryCodeRoutes } from "./recovery-codes.http.ts";
import { emailCodeRoutes } from "./email-codes.http.ts";

export function factorRoutes(deps: FactorRoutesDeps): readonly Route[] {
  return [
    ...listFactorRoutes(deps),
    ...totpRoutes(deps),
    ...recoveryCodeRoutes(deps),
    ...emailCodeRoutes(deps),
  ];
}
