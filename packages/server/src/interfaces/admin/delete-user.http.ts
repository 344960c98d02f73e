import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { removeUser } from "../../accounts/users/delete-user.ts";
import type { EndUserDeps } from "../../accounts/users/last-superuser.ts";

/** Serves the deletion of a user. */
export function deleteUserRoutes(deps: EndUserDeps): readonly Route[] {
  return [
    serve(endpoints.adminDeleteUser, async (call) => {
      const outcome = await removeUser(deps, call.params.id, originOf(call, "superuser"));
      switch (outcome.kind) {
        case "done":
          return answer(204);
        case "unknown":
          return refuse("not_found");
        case "last_superuser":
          return refuse("last_superuser");
      }
    }),
  ];
}
