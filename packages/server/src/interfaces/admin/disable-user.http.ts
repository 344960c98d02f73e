import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { disableUser, enableUser, type EnableUserDeps } from "../../accounts/users/disable-user.ts";
import type { EndUserDeps } from "../../accounts/users/last-superuser.ts";

/** Serves the disabling and enabling of a user. */
export function disableUserRoutes(deps: EndUserDeps & EnableUserDeps): readonly Route[] {
  return [
    serve(endpoints.adminDisableUser, async (call) => {
      const outcome = await disableUser(deps, call.params.id, originOf(call, "superuser"));
      switch (outcome.kind) {
        case "done":
          return answer(204);
        case "unknown":
          return refuse("not_found");
        case "last_superuser":
          return refuse("last_superuser");
      }
    }),

    serve(endpoints.adminEnableUser, async (call) => {
      const outcome = await enableUser(deps, call.params.id, originOf(call, "superuser"));
      return outcome.kind === "done" ? answer(204) : refuse("not_found");
    }),
  ];
}
