import type { Route } from "../../platform/http/serve.ts";
import { factorsOfUserRoutes, type FactorsOfUserDeps } from "./factors-of-user.http.ts";
import { reportRoutes } from "./report.http.ts";
import type { ReportDeps } from "./report.ts";
import { resetFactorsRoutes } from "./reset-factors.http.ts";
import type { ResetFactorsDeps } from "./reset-factors.ts";

export function factorAdminRoutes(
  deps: FactorsOfUserDeps & ReportDeps & ResetFactorsDeps,
): readonly Route[] {
  return [...factorsOfUserRoutes(deps), ...resetFactorsRoutes(deps), ...reportRoutes(deps)];
}
