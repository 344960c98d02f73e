import { record, type AuditDeps } from "../audit/audit.ts";
import type { Origin } from "../audit/events.ts";
import type { Db } from "../../platform/db/open.ts";
import { afterCommit, transact } from "../../platform/db/transact.ts";
import { wakeSender } from "./outbox.ts";
import { requeue } from "./outbox.store.ts";

export interface SendAgainDeps extends AuditDeps {
  readonly db: Db;
}

export type SendAgainOutcome = { readonly kind: "requeued" | "expired" | "unknown" };

/**
 * Lets a mail that was given up be tried anew, from its first attempt on.
 *
 * @returns `expired` for one that would be of no use to its reader any more; `unknown` for one that
 *   was not given up
 */
export async function sendAgain(
  deps: SendAgainDeps,
  id: string,
  origin: Origin,
): Promise<SendAgainOutcome> {
  return transact(deps, async (tx): Promise<SendAgainOutcome> => {
    const kind = await requeue(tx, id, deps.clock.now());
    if (kind !== "requeued") return { kind };
    afterCommit(tx, wakeSender, "waiting");
    await record(tx, deps, { ...origin, event: "mail.requeued", details: { mailId: id } });
    return { kind };
  });
}
