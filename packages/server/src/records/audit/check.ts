import type { Queryable } from "../../platform/db/open.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { eventsAfter, findHead, type Head } from "./audit.store.ts";
import { anchorOf, eventMacOf, isEndMac, problemOf, type Link } from "./chain.ts";

export type ChainCheck =
  | {
      readonly kind: "intact";
      /** Those that are there. */
      readonly events: number;
      /** Those that retention has removed. */
      readonly pruned: number;
      readonly position: number;
      readonly mac: string;
    }
  | Broken;

interface Broken {
  readonly kind: "broken";
  readonly position: number;
  readonly problem: ChainProblem;
}

/**
 * - `missing`: no event has this position, though later ones exist
 * - `altered`: this event or one put before it is not what was recorded, or not under a secret we
 *   know
 * - `cut`: the chain's head says there were events from this position on
 * - `head`: the head is missing or was not written by us
 * - `pruned`: the events up to this position are said to have been removed by retention, but that
 *   was not written by us
 */
export type ChainProblem = "missing" | "altered" | "cut" | "head" | "pruned";

const PAGE = 500;
const START: Link = { position: 0, mac: "" };

/**
 * Reads the whole chain from the oldest event that retention has left, a page at a time, while
 * others may append to it and retention may remove its oldest, and stops at the first problem
 * (AU-02).
 *
 * It finds whatever was changed by someone without the master secret, except that an earlier state
 * of the whole database was put back. Against that, keep an answer's `position` and `mac`
 * elsewhere: the event at that position has that MAC for ever.
 */
export async function checkChain(db: Queryable, keyring: Keyring): Promise<ChainCheck> {
  let anchor = START;
  let last = START;
  for (;;) {
    // The head is read before the page, so a page that ends before it is a cut and not an event
    // that has just been appended.
    const head = await findHead(db);
    const pruned = anchorOf(keyring, head?.pruned ?? START);
    if (pruned === undefined)
      return { kind: "broken", position: head?.pruned.position ?? 0, problem: "pruned" };
    anchor = pruned;
    if (anchor.position > last.position) last = anchor;
    // From the very first row, so that nothing can be put before what retention has left.
    const page = await eventsAfter(
      db,
      last.position === anchor.position ? undefined : last.position,
      PAGE,
    );
    if (page.length === 0) return endOf(keyring, head, last);
    for (const event of page) {
      const problem = problemOf(keyring, last, event);
      if (problem !== undefined && (await isPrunedBeyond(db, last.position))) break;
      if (problem !== undefined) return { kind: "broken", position: last.position + 1, problem };
      last = event;
    }
  }
}

/** Whether what should come next was removed between the look at the head and that at the page. */
async function isPrunedBeyond(db: Queryable, position: number): Promise<boolean> {
  return ((await findHead(db))?.pruned.position ?? 0) > position;
}

function endOf(keyring: Keyring, head: Head | undefined, { position, mac }: Link): ChainCheck {
  if (head === undefined || head.position < position)
    return { kind: "broken", position, problem: "head" };
  if (head.position > position) return { kind: "broken", position: position + 1, problem: "cut" };
  const unused = position === 0 && head.mac === "";
  if (!unused && !(eventMacOf(head.mac) === mac && isEndMac(keyring, "head", position, head.mac)))
    return { kind: "broken", position, problem: "head" };
  const pruned = head.pruned.position;
  return { kind: "intact", events: position - pruned, pruned, position, mac };
}
