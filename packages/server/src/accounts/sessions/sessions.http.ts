import type { Route } from "../../platform/http/serve.ts";
import { csrfTokenRoute, type CsrfTokenDeps } from "./csrf-token.http.ts";
import { listSessionsRoute } from "./list-sessions.http.ts";
import { logOutRoutes, type LogOutRoutesDeps } from "./log-out.http.ts";
import { ownTokenRoute } from "./own-token.http.ts";
import { refreshRoute, type RefreshRouteDeps } from "./refresh.http.ts";

export interface SessionRoutesDeps extends RefreshRouteDeps, LogOutRoutesDeps, CsrfTokenDeps {}

export function sessionRoutes(deps: SessionRoutesDeps): readonly Route[] {
  return [
    refreshRoute(deps),
    ...logOutRoutes(deps),
    ownTokenRoute(),
    listSessionsRoute(deps),
    csrfTokenRoute(deps),
  ];
}
