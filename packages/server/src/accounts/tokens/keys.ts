import { transact } from "../../platform/db/transact.ts";
import { createHash, createPrivateKey, type KeyObject } from "node:crypto";
import { createKeySet, type KeySet } from "@portcullis/verifier";
import { record } from "../../records/audit/audit.ts";
import type { Origin } from "../../records/audit/events.ts";
import { system } from "../../records/audit/origin.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { awaitEarlier, recordRevocation } from "../../records/revocations/barrier.ts";
import { algorithms, type SigningAlgorithm } from "./algorithms.ts";
import {
  activateKey,
  holdKey,
  insertKey,
  latestAccessExpiry,
  listKeys,
  removeKey,
  type KeyRecord,
} from "./keys.store.ts";

export type KeyState = "announced" | "active" | "retiring" | "removed";

export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly privateKey: KeyObject;
}

/** The keys of this node, as it last read them from the database. */
export interface Keys {
  readonly verifying: KeySet;
  signing(): SigningKey;
  /** Returns the public set (RFC 7517 §5), including announced and retiring keys. */
  jwks(): { readonly keys: readonly Record<string, string>[] };
  reload(): Promise<void>;
}

export interface KeyDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly algorithm: SigningAlgorithm;
  /** How long a key is published before it signs. Caches of the key set must not live longer. */
  readonly announceSeconds: number;
  /**
   * How long a retired key still verifies: the lifetime of an access token plus the tolerated
   * difference of clocks.
   */
  readonly retainSeconds: number;
  /** The age of the active key at which the next one is announced. */
  readonly rotateAfterSeconds: number;
}

export function keyState(key: KeyRecord): KeyState {
  if (key.removedAt !== null) return "removed";
  if (key.retiredAt !== null) return "retiring";
  return key.activatedAt === null ? "announced" : "active";
}

/** Loads the keys, and makes the first one if there is none. */
export async function openKeys(deps: KeyDeps): Promise<Keys> {
  const verifying = createKeySet();
  let signing: SigningKey | undefined;
  let published: readonly Record<string, string>[] = [];

  async function reload(): Promise<void> {
    const records = (await listKeys(deps.db)).filter((key) => key.removedAt === null);
    const active = records
      .filter((key) => keyState(key) === "active")
      .toSorted((a, b) => (b.activatedAt ?? 0) - (a.activatedAt ?? 0))[0];
    if (active !== undefined && active.kid !== signing?.kid) signing = unseal(deps.keyring, active);
    const jwks = records.map((key) => ({ key, jwk: readJwk(key.publicJwk) }));
    verifying.replace(jwks.map(({ key, jwk }) => ({ kid: key.kid, alg: key.algorithm, jwk })));
    published = jwks.map(({ key, jwk }) => ({
      ...jwk,
      kid: key.kid,
      alg: key.algorithm,
      use: "sig",
    }));
  }

  await reload();
  if (signing === undefined) {
    await advanceKeys(deps);
    await reload();
  }
  return {
    verifying,
    signing: () => {
      if (signing === undefined) throw new Error("there is no active signing key");
      return signing;
    },
    jwks: () => ({ keys: published }),
    reload,
  };
}

/**
 * Moves every key on to the state of its age. The first key and the successor of a removed one
 * become active at once; others are announced, then activated, then retired, then removed. Several
 * nodes may do so at the same time.
 */
export async function advanceKeys(deps: KeyDeps): Promise<void> {
  const now = deps.clock.now();
  const keys = await listKeys(deps.db);
  const active = keys.find((key) => keyState(key) === "active");
  const announced = keys.find((key) => keyState(key) === "announced");
  if (active === undefined)
    await transact(deps, async (tx) =>
      activate(tx, deps, announced?.kid ?? (await announce(tx, deps, system)), system),
    );
  else if (announced !== undefined && announced.announcedAt + deps.announceSeconds <= now) {
    await transact(deps, async (tx) => activate(tx, deps, announced.kid, system));
  } else if (
    announced === undefined &&
    (active.activatedAt ?? now) + deps.rotateAfterSeconds <= now
  ) {
    await transact(deps, async (tx) => announceSuccessor(tx, deps, active.kid, system));
  }
  for (const key of keys) {
    if (keyState(key) !== "retiring" || (key.retiredAt ?? now) + deps.retainSeconds > now) continue;
    await transact(deps, async (tx) => {
      if (await removeKey(tx, key.kid, now))
        await record(tx, deps, { event: "key.removed", ...system, details: { kid: key.kid } });
    });
  }
}

/** Announces a successor. It signs after `announceSeconds`, or at once with `atOnce`. */
export async function rotateKeys(
  deps: KeyDeps,
  origin: Origin,
  options: { readonly atOnce: boolean },
): Promise<{ readonly kid: string }> {
  return transact(deps, async (tx) => {
    const active = (await listKeys(tx)).find((key) => keyState(key) === "active");
    const kid = await announceSuccessor(tx, deps, active?.kid ?? "", origin);
    if (options.atOnce) await activate(tx, deps, kid, origin);
    return { kid };
  });
}

/**
 * Removes a key in an emergency. When this returns, every token that it signed is dead; sessions
 * continue with a refresh (KY-03). The active key gets a successor in the same transaction.
 */
export async function removeKeyNow(
  deps: KeyDeps,
  kid: string,
  origin: Origin,
): Promise<{ readonly kind: "removed" | "unknown" }> {
  return transact(deps, async (tx) => {
    const keys = await listKeys(tx);
    const wasActive = keys.some((key) => key.kid === kid && keyState(key) === "active");
    if (!(await removeKey(tx, kid, deps.clock.now()))) {
      await awaitEarlier(tx, deps.clock, { kid });
      return { kind: "unknown" };
    }
    if (wasActive) {
      const waiting = keys.find((key) => keyState(key) === "announced");
      await activate(tx, deps, waiting?.kid ?? (await announce(tx, deps, origin)), origin);
    }
    await recordRevocation(tx, deps.clock, {
      scope: "key",
      subject: kid,
      minHardEpoch: null,
      minAuthorizationEpoch: null,
      cause: "key_removed",
      lastTokenExpiresAt: await latestAccessExpiry(tx),
    });
    await record(tx, deps, { event: "key.removed", ...origin, details: { kid } });
    return { kind: "removed" };
  });
}

/** Announces the successor of a key. If several nodes do so, they get the same one. */
async function announceSuccessor(
  tx: Tx,
  deps: KeyDeps,
  of: string,
  origin: Origin,
): Promise<string> {
  await holdKey(tx, of);
  const waiting = (await listKeys(tx)).find((key) => keyState(key) === "announced");
  return waiting?.kid ?? announce(tx, deps, origin);
}

async function announce(tx: Tx, deps: KeyDeps, origin: Origin): Promise<string> {
  const { publicKey, privateKey } = algorithms[deps.algorithm].generate();
  const publicJwk = JSON.stringify(publicKey.export({ format: "jwk" }));
  const kid = thumbprint(readJwk(publicJwk));
  const privateSealed = deps.keyring.seal(
    "signing-key-seal",
    kid,
    privateKey.export({ format: "der", type: "pkcs8" }),
  );
  await insertKey(tx, {
    kid,
    algorithm: deps.algorithm,
    publicJwk,
    privateSealed,
    announcedAt: deps.clock.now(),
  });
  await record(tx, deps, {
    event: "key.announced",
    ...origin,
    details: { kid, algorithm: deps.algorithm },
  });
  return kid;
}

async function activate(tx: Tx, deps: KeyDeps, kid: string, origin: Origin): Promise<void> {
  const retired = await activateKey(tx, kid, deps.clock.now());
  if (retired === undefined) return;
  await record(tx, deps, { event: "key.activated", ...origin, details: { kid } });
  for (const old of retired)
    await record(tx, deps, { event: "key.retired", ...origin, details: { kid: old } });
}

function unseal(ring: Keyring, key: KeyRecord): SigningKey {
  if (key.privateSealed === null) throw new Error(`the private half of key ${key.kid} is gone`);
  const der = ring.open("signing-key-seal", key.kid, key.privateSealed);
  return {
    kid: key.kid,
    algorithm: key.algorithm,
    privateKey: createPrivateKey({ key: der, format: "der", type: "pkcs8" }),
  };
}

function readJwk(text: string): Record<string, string> {
  const parsed: unknown = JSON.parse(text);
  const members = Object.entries(parsed ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return Object.fromEntries(members);
}

/** Hashes the required members in lexicographic order with SHA-256 (RFC 7638 §3). */
function thumbprint(jwk: Record<string, string>): string {
  const required = ["crv", "e", "kty", "n", "x", "y"].filter((name) => jwk[name] !== undefined);
  const canonical = JSON.stringify(Object.fromEntries(required.map((name) => [name, jwk[name]])));
  return createHash("sha256").update(canonical).digest("base64url");
}
