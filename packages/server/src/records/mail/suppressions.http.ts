import { endpoints } from "@portcullis/contract";
import { transact } from "../../platform/db/transact.ts";
import type { Db } from "../../platform/db/open.ts";
import { invalidCursor, readPage } from "../../platform/http/cursor.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { originOf } from "../audit/origin.ts";
import {
  clearSuppression,
  readRecipient,
  suppress,
  unreadableAt,
  type SuppressDeps,
} from "./suppressions.ts";
import { listSuppressions } from "./suppressions.store.ts";

/** Serves the addresses that get no mail to superusers, who can add and remove some. */
export function suppressionRoutes(deps: SuppressDeps & { readonly db: Db }): readonly Route[] {
  const { db } = deps;
  return [
    serve(endpoints.adminListSuppressions, async ({ query }) => {
      const page = await readPage(deps.keyring, query, {
        listing: ["suppressions"],
        read: async (asked) => listSuppressions(db, asked),
        positionOf: (suppression) => suppression.id,
      });
      return page.kind === "page"
        ? answer(200, { items: page.rows, nextCursor: page.nextCursor })
        : invalidCursor();
    }),

    serve(endpoints.adminSuppressAddress, async (call) => {
      const address = readRecipient(call.input.address);
      if (address === undefined)
        return refuse("invalid_input", { errors: [unreadableAt("/address")] });
      const suppressed = { address, reason: "operator" } as const;
      await transact({ db }, async (tx) =>
        suppress(tx, deps, suppressed, originOf(call, "superuser")),
      );
      return answer(204);
    }),

    serve(endpoints.adminClearSuppression, async (call) => {
      const origin = originOf(call, "superuser");
      const cleared = await transact({ db }, async (tx) =>
        clearSuppression(tx, deps, call.params.id, origin),
      );
      return cleared === "cleared" ? answer(204) : refuse("not_found");
    }),
  ];
}
