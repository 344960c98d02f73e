import { transact } from "../../platform/db/transact.ts";
import type { Db } from "../../platform/db/open.ts";
import { DAY, type UnixSeconds } from "../../platform/kernel/clock.ts";
import {
  eventsAfter,
  holdHead,
  newestEventUpTo,
  oldestEvent,
  removeEvents,
} from "./audit.store.ts";
import { record, type AuditDeps } from "./audit.ts";
import { anchorOf, endMac, problemOf, type Link } from "./chain.ts";

/**
 * Removes a batch of the events that have reached their age, from the beginning of the chain, and
 * returns their number. The rest can be checked as before: the head remembers the last removed
 * event, under a MAC of its own. The newest events are never removed, because they prove how old
 * the others are. If an event of the batch was altered, none of the batch is removed, because the
 * proof would go with it.
 *
 * Events are removed by whole days, so that on a quiet day there is one `audit.pruned` and not one
 * per run.
 *
 * @throws {Error} if the chain is broken
 */
export async function pruneAudit(
  db: Db,
  deps: AuditDeps,
  retentionSeconds: number,
  limit: number,
): Promise<number> {
  const oldest = await oldestEvent(db);
  const now = deps.clock.now();
  // This is asked first, because the other question is not answered from an index.
  if (oldest === undefined || oldest >= startOfDay(now - retentionSeconds)) return 0;
  const before = startOfDay((await provenTime(db, now)) - retentionSeconds);
  return transact({ db }, async (tx) => {
    const head = await holdHead(tx);
    const anchor = anchorOf(deps.keyring, head.pruned);
    if (anchor === undefined) throw broken(head.pruned.position);
    let previous: Link = anchor;
    let last: Link = anchor;
    for (const event of await eventsAfter(tx, undefined, limit)) {
      if (problemOf(deps.keyring, previous, event) !== undefined)
        throw broken(previous.position + 1);
      previous = event;
      if (event.at < before) last = event;
      // An event from the future was recorded under a wrong clock, and is as old as the event that
      // follows it.
      else if (event.at <= now) break;
    }
    const count = last.position - anchor.position;
    if (count === 0) return 0;
    await removeEvents(tx, {
      position: last.position,
      mac: endMac(deps.keyring, "pruned", last.position, last.mac),
    });
    await record(tx, deps, {
      event: "audit.pruned",
      actor: { kind: "system" },
      details: { count, upTo: last.position },
    });
    return count;
  });
}

/**
 * Returns the time as far as an event that is a day old confirms it. A clock that jumps ahead by
 * years would make all events old at once, so it has to be wrong for a day before it removes
 * anything.
 */
async function provenTime(db: Db, now: UnixSeconds): Promise<UnixSeconds> {
  return (await newestEventUpTo(db, now - DAY)) ?? 0;
}

function startOfDay(at: UnixSeconds): UnixSeconds {
  return at - (at % DAY);
}

function broken(position: number): Error {
  return new Error(
    `the audit is broken at event ${position}, so nothing was removed: see \`portcullis doctor\``,
  );
}
