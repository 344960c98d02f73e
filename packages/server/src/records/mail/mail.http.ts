import { transact } from "../../platform/db/transact.ts";
import { endpoints } from "@portcullis/contract";
import { originOf } from "../audit/origin.ts";
import { invalidCursor, readPage } from "../../platform/http/cursor.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { sendAgain, type SendAgainDeps } from "./dead-letters.ts";
import { listMails } from "./mail.ts";
import {
  clearSuppression,
  readRecipient,
  suppress,
  suppressAll,
  type SuppressDeps,
} from "./suppressions.ts";
import { listSuppressions } from "./suppressions.store.ts";

export interface MailDeps extends SendAgainDeps, SuppressDeps {}

export function mailRoutes(deps: MailDeps): readonly Route[] {
  return [reportRoute(deps), ...outboxRoutes(deps), ...suppressionRoutes(deps)];
}

/** Takes a report as a whole or not at all, because its sender must hear of what is unreadable. */
function reportRoute(deps: MailDeps): Route {
  return serve(endpoints.reportMail, async (call) => {
    const reports = call.input.reports.map(({ kind, address }) => ({
      reason: kind,
      address: readRecipient(address),
    }));
    const readable = reports.flatMap(({ reason, address }) =>
      address === undefined ? [] : [{ reason, address }],
    );
    if (readable.length < reports.length) {
      const unreadable = reports.flatMap(({ address }, at) =>
        address === undefined ? [unreadableAt(`/reports/${at}/address`)] : [],
      );
      return refuse("invalid_input", { errors: unreadable });
    }
    await transact(deps, async (tx) =>
      suppressAll(tx, deps, readable, { ...originOf(call), actor: { kind: "system" } }),
    );
    return answer(204);
  });
}

function outboxRoutes(deps: MailDeps): readonly Route[] {
  return [
    serve(endpoints.adminListMails, async ({ query }) => {
      const { state } = query;
      const page = await readPage(deps.keyring, query, {
        listing: ["mails", state],
        read: async (asked) => listMails(deps.db, { ...asked, state }),
        positionOf: (mail) => mail.id,
      });
      return page.kind === "page"
        ? answer(200, { items: page.rows, nextCursor: page.nextCursor })
        : invalidCursor();
    }),

    serve(endpoints.adminSendMailAgain, async (call) => {
      const outcome = await sendAgain(deps, call.params.id, originOf(call, "superuser"));
      switch (outcome.kind) {
        case "requeued":
          return answer(202);
        case "expired":
          return refuse("mail_expired");
        case "unknown":
          return refuse("not_found");
      }
    }),
  ];
}

function suppressionRoutes(deps: MailDeps): readonly Route[] {
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

function unreadableAt(path: string) {
  return { path, message: "must be one plain e-mail address" };
}
