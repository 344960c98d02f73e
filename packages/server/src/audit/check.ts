import type { Selectable } from "kysely";
import type { Queryable } from "../db/open.ts";
import type { AuditEventsTable } from "../db/tables.ts";
import type { Keyring } from "../kernel/keyring.ts";
import { eventsAfter, findHead } from "./audit.store.ts";
import { eventData, isHeadMac } from "./chain.ts";

export type ChainCheck =
  | { readonly kind: "intact"; readonly events: number; readonly position: number; readonly mac: string }
  | { readonly kind: "broken"; readonly position: number; readonly problem: ChainProblem };

/**
 * - `missing`: no event has this position, though later ones exist
 * - `altered`: this event or one put before it is not what was recorded, or not under a secret we know
 * - `cut`: the chain's head says there were events from this position on
 * - `head`: the head is missing or was not written by us
 */
export type ChainProblem = "missing" | "altered" | "cut" | "head";

const PAGE = 500;

/**
 * Reads the whole chain, a page at a time, while others may append to it, and stops at the first problem (AU-02).
 *
 * It finds whatever was changed by someone without the master secret, except that an earlier state of the whole database was
 * put back. Against that, keep an answer's `position` and `mac` elsewhere: the event at that position has that MAC for ever.
 */
export async function checkChain(db: Queryable, keyring: Keyring): Promise<ChainCheck> {
  let position = 0;
  let mac = "";
  for (;;) {
    // The head is read before the page, so a page that ends before it is a cut and not an event that has just been appended.
    const head = await findHead(db);
    const page = await eventsAfter(db, mac === "" ? undefined : position, PAGE);
    if (page.length === 0) return endOf({ keyring, head, position, mac });
    for (const event of page) {
      const problem = problemOf(keyring, { position, mac }, event);
      if (problem !== undefined) return { kind: "broken", position: position + 1, problem };
      position = event.position;
      mac = event.mac;
    }
  }
}

interface End {
  readonly keyring: Keyring;
  readonly head: { readonly position: number; readonly mac: string } | undefined;
  readonly position: number;
  readonly mac: string;
}

function endOf({ keyring, head, position, mac }: End): ChainCheck {
  if (head === undefined || head.position < position) return { kind: "broken", position, problem: "head" };
  if (head.position > position) return { kind: "broken", position: position + 1, problem: "cut" };
  const unused = position === 0 && head.mac === "";
  if (!unused && !isHeadMac(keyring, position, mac, head.mac)) return { kind: "broken", position, problem: "head" };
  return { kind: "intact", events: position, position, mac };
}

function problemOf(
  keyring: Keyring,
  previous: { readonly position: number; readonly mac: string },
  event: Selectable<AuditEventsTable>,
): ChainProblem | undefined {
  if (event.position > previous.position + 1) return "missing";
  const genuine = keyring.verifyMac("audit-chain", eventData(previous.mac, event), Buffer.from(event.mac, "hex"));
  return genuine ? undefined : "altered";
}
