import { jwtAuthenticator } from "../jwt/authenticator.ts";
import {
  blacklistView,
  obtainPairView,
  obtainSlidingView,
  refreshSlidingView,
  refreshView,
  verifyView,
} from "../jwt/views.ts";
import type { View } from "../drf/view.ts";
import { authViews, type AuthDeps } from "./auth.ts";
import { logoutTokenView } from "./logout-token.ts";

/** Lists SimpleJWT's own views, and those of the tutorials that build on it. */
export function simplejwtViews(deps: AuthDeps): readonly View[] {
  const requester = jwtAuthenticator(deps);
  return [
    obtainPairView(deps, { name: "simplejwt.obtain", path: "/api/token/" }),
    refreshView(deps, { name: "simplejwt.refresh", path: "/api/token/refresh/" }),
    verifyView(deps, { name: "simplejwt.verify", path: "/api/token/verify/" }),
    blacklistView(deps, { name: "simplejwt.blacklist", path: "/api/token/blacklist/" }),
    obtainSlidingView(deps, { name: "simplejwt.obtain_sliding", path: "/api/token/sliding/" }),
    refreshSlidingView(deps, {
      name: "simplejwt.refresh_sliding",
      path: "/api/token/sliding/refresh/",
    }),
    logoutTokenView(deps, requester),
    ...authViews(deps, requester),
  ];
}
