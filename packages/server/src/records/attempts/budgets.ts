import { transact } from "../../platform/db/transact.ts";
import type { Budget } from "@portcullis/contract";
import type { Db } from "../../platform/db/open.ts";
import { addressKeys } from "../../platform/http/address.ts";
import type { Client } from "../../platform/http/serve.ts";
import { HOUR, type Clock } from "../../platform/kernel/clock.ts";
import { takeEach, type Limit, type TakeOutcome } from "./attempts.store.ts";

const QUARTER_HOUR = HOUR / 4;

/**
 * Limits calls per client address and per subnet. Sign-in has limits of its own, which count
 * failures.
 */
export const perClient: Readonly<
  Record<
    Budget,
    { readonly address: number; readonly subnet: number; readonly windowSeconds: number }
  >
> = {
  credential: { address: 100, subnet: 400, windowSeconds: QUARTER_HOUR },
  registration: { address: 60, subnet: 240, windowSeconds: HOUR },
  mail: { address: 30, subnet: 120, windowSeconds: HOUR },
};

/**
 * Counts a call against its client's address. The counter is in the database, so nodes and restarts
 * do not multiply it (MN-02).
 */
export function createBudgets(deps: {
  readonly db: Db;
  readonly clock: Clock;
}): (budget: Budget, client: Client) => Promise<TakeOutcome> {
  return async (budget, client) => {
    const limits = perClient[budget];
    const keys = addressKeys(client.address);
    const each: readonly Limit[] = [
      {
        bucket: `${budget}:${keys.address}`,
        limit: limits.address,
        windowSeconds: limits.windowSeconds,
      },
      {
        bucket: `${budget}:${keys.subnet}`,
        limit: limits.subnet,
        windowSeconds: limits.windowSeconds,
      },
    ];
    return transact(deps, async (tx) => takeEach(tx, each, deps.clock.now()));
  };
}

/**
 * Limits the mails that strangers can cause to one address (RG-15, RS-07) to five an hour, whatever
 * they are about.
 */
export function mailsTo(bucket: string): Limit {
  return { bucket: `mails-to:${bucket}`, limit: 5, windowSeconds: HOUR };
}
