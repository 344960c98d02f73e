import { domainToASCII } from "node:url";
import { record, type AuditDeps } from "../audit/audit.ts";
import type { Origin } from "../audit/events.ts";
import type { Queryable, Tx } from "../../platform/db/open.ts";
import { uuidv7 } from "../../platform/kernel/ids.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { isPlainAddress } from "./message.ts";
import {
  deleteSuppression,
  findSuppression,
  insertSuppressions,
  type SuppressionReason,
} from "./suppressions.store.ts";

export interface SuppressDeps extends AuditDeps {
  readonly random: Random;
}

/**
 * Returns the form by which addresses are compared: all of it in lower case, the domain as
 * A-labels. Unlike the address of an account it may be any address that mail could go to, because
 * others report it in their own spelling.
 */
export function readRecipient(address: string): string | undefined {
  if (!isPlainAddress(address) || !address.isWellFormed()) return undefined;
  const at = address.indexOf("@");
  const domain = domainToASCII(address.slice(at + 1));
  return domain === "" ? undefined : `${address.slice(0, at).toLowerCase()}@${domain}`;
}

/** Returns the error for an address that `readRecipient` cannot read, at a place in the request. */
export function unreadableAt(path: string) {
  return { path, message: "must be one plain e-mail address" };
}

export async function isSuppressed(db: Queryable, recipient: string): Promise<boolean> {
  return (await findSuppression(db, recipient.toLowerCase())) !== undefined;
}

export interface Suppressed {
  /** An address from the outbox, or one that `readRecipient` has returned. */
  readonly address: string;
  readonly reason: SuppressionReason;
}

/**
 * Stops all mail to an address. The reason that was given first stays. The audit does not name the
 * address (AU-03).
 */
export async function suppress(
  tx: Tx,
  deps: SuppressDeps,
  suppressed: Suppressed,
  origin: Origin,
): Promise<void> {
  await suppressAll(tx, deps, [suppressed], origin);
}

export async function suppressAll(
  tx: Tx,
  deps: SuppressDeps,
  all: readonly Suppressed[],
  origin: Origin,
): Promise<void> {
  const createdAt = deps.clock.now();
  const suppressions = all.map(({ address, reason }) => ({
    id: uuidv7(deps),
    address: address.toLowerCase(),
    reason,
    createdAt,
  }));
  // They are inserted in one order, so that two transactions with the same addresses do not wait
  // for each other in a circle.
  const first = await insertSuppressions(
    tx,
    suppressions.toSorted((a, b) => (a.address < b.address ? -1 : 1)),
  );
  for (const { reason } of first)
    await record(tx, deps, { ...origin, event: "mail.suppressed", details: { reason } });
}

/** Lets an address get mail again. */
export async function clearSuppression(
  tx: Tx,
  deps: AuditDeps,
  id: string,
  origin: Origin,
): Promise<"cleared" | "unknown"> {
  if (!(await deleteSuppression(tx, id))) return "unknown";
  await record(tx, deps, { ...origin, event: "mail.suppression_cleared" });
  return "cleared";
}
