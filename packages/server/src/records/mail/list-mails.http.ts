import { endpoints } from "@portcullis/contract";
import type { Db } from "../../platform/db/open.ts";
import { invalidCursor, readPage } from "../../platform/http/cursor.ts";
import { answer, serve, type Route } from "../../platform/http/serve.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { listMails } from "./mail.ts";

/** Lists mails for superusers, without their contents. */
export function listMailsRoute(deps: { readonly db: Db; readonly keyring: Keyring }): Route {
  return serve(endpoints.adminListMails, async ({ query }) => {
    const { state } = query;
    const page = await readPage(deps.keyring, query, {
      listing: ["mails", state],
      read: async (asked) => listMails(deps.db, { ...asked, state }),
      positionOf: (mail) => mail.id,
    });
    return page.kind === "page"
      ? answer(200, { items: page.rows, nextCursor: page.nextCursor })
      : invalidCursor();
  });
}
