import type { Queryable } from "../../platform/db/open.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { eventsAfter, findHead, type Head } from "./audit.store.ts";
import { anchorOf, eventMacOf, isEndMac, problemOf, type Link } from "./chain.ts";

export type ChainCheck =
  | {
      readonly kind: "intact";
      /** The number of events that are stored. */
      readonly events: number;
      /** The number of events that retention has removed. */
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
 * - `altered`: this event or one inserted before it is not what was recorded, or it was recorded
 *   under a secret that we do not know
 * - `cut`: the head of the chain says that there were events from this position on
 * - `head`: the head is missing or was not written by us
 * - `pruned`: the database says that retention has removed the events up to this position, but we
 *   have not written that
 */
export type ChainProblem = "missing" | "altered" | "cut" | "head" | "pruned";

const PAGE = 500;
const START: Link = { position: 0, mac: "" };

/**
 * Reads the whole chain from the oldest event that retention has left, a page at a time, and stops
 * at the first problem (AU-02). Others may append to the chain at the same time, and retention may
 * remove its oldest events.
 *
 * It finds every change made without the master secret, except that an earlier state of the whole
 * database was put back. Against that, keep an answer's `position` and `mac` elsewhere: the event
 * at that position has that MAC for ever.
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
    // The page begins with the very first row, so that no event can be inserted before those that
    // retention has left.
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

/** Tells whether the next event was removed between reading the head and reading the page. */
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
