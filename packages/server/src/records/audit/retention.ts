import { transact } from "../../platform/db/transact.ts";
import type { Db } from "../../platform/db/open.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import {
  eventsAfter,
  holdHead,
  newestEventUpTo,
  oldestEvent,
  removeEvents,
} from "./audit.store.ts";
import { record, type AuditDeps } from "./audit.ts";
import { anchorOf, endMac, problemOf, type Link } from "./chain.ts";

const DAY = 86_400;

/**
 * Removes a batch of the events that have reached their age, from the beginning of the chain, and
 * returns how many. What is left can be checked as before: the head remembers the last one removed,
 * under a MAC of its own. Never the newest events, which are what proves the others old; and none
 * of a batch in which something was altered, for with it would go the proof.
 *
 * Whole days at a time, so that on a quiet day there is one `audit.pruned` and not one per run.
 *
 * @throws {Error} where the chain is broken
 */
export async function pruneAudit(
  db: Db,
  deps: AuditDeps,
  retentionSeconds: number,
  limit: number,
): Promise<number> {
  const oldest = await oldestEvent(db);
  const now = deps.clock.now();
  // Asked first, because the other question is not answered from an index.
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
      // One that is still to come was recorded under a wrong clock, and is as old as what follows
      // it.
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
 * The time as far as an event that is a day old bears it out. A clock that has jumped ahead by
 * years would make all events old at once; so it has to be wrong for a day before it removes
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
