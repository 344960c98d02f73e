import type { RevokeDeps } from "../../accounts/sessions/revoke.ts";
import type { EnableUserDeps } from "../../accounts/users/disable-user.ts";
import type { EndUserDeps } from "../../accounts/users/last-superuser.ts";
import type { Route } from "../../platform/http/serve.ts";
import { auditRoutes } from "./audit.http.ts";
import { deleteUserRoutes } from "./delete-user.http.ts";
import { disableUserRoutes } from "./disable-user.http.ts";
import { figureRoutes } from "./figures.http.ts";
import { keyRoutes } from "./keys.http.ts";
import { revocationRoutes } from "./revocations.http.ts";
import { sessionRoutes } from "./sessions.http.ts";
import { userRoutes } from "./users.http.ts";

export interface AdminDeps extends EndUserDeps, EnableUserDeps, RevokeDeps {}

export function adminRoutes(deps: AdminDeps): readonly Route[] {
  return [
    ...userRoutes(deps),
    ...disableUserRoutes(deps),
    ...deleteUserRoutes(deps),
    ...sessionRoutes(deps),
    ...revocationRoutes(deps),
    ...auditRoutes(deps),
    ...keyRoutes(deps),
    ...figureRoutes(deps),
  ];
}
