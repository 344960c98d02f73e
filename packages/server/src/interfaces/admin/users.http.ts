import { endpoints } from "@portcullis/contract";
import { invalidCursor } from "../../platform/http/cursor.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { findAdministeredUser, findUsers } from "./users.ts";
import type { FindUsersDeps } from "./users.ts";

/** Serves the list of users and the page of one user. */
export function userRoutes(deps: FindUsersDeps): readonly Route[] {
  return [
    serve(endpoints.adminListUsers, async ({ query }) => {
      const page = await findUsers(deps, query);
      return page.kind === "page"
        ? answer(200, { items: page.rows, nextCursor: page.nextCursor })
        : invalidCursor();
    }),

    serve(endpoints.adminGetUser, async ({ params }) => {
      const user = await findAdministeredUser(deps, params.id);
      return user === undefined ? refuse("not_found") : answer(200, user);
    }),
  ];
}
