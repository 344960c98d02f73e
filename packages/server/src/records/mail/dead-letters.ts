import { record, type AuditDeps } from "../audit/audit.ts";
import type { Origin } from "../audit/events.ts";
import { requeue } from "../outbox/outbox.ts";
import type { Db } from "../../platform/db/open.ts";
import { transact } from "../../platform/db/transact.ts";
import { mailChannel } from "./mail.ts";

export interface SendAgainDeps extends AuditDeps {
  readonly db: Db;
}

export type SendAgainOutcome = { readonly kind: "requeued" | "expired" | "unknown" };

/** Lets a mail that was given up be tried anew. See `requeue` for the outcomes. */
export async function sendAgain(
  deps: SendAgainDeps,
  id: string,
  origin: Origin,
): Promise<SendAgainOutcome> {
  return transact(deps, async (tx): Promise<SendAgainOutcome> => {
    const kind = await requeue(tx, deps, mailChannel, id);
    if (kind === "requeued")
      await record(tx, deps, { ...origin, event: "mail.requeued", details: { mailId: id } });
    return { kind };
  });
}
