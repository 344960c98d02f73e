import type { Held } from "../../platform/db/held.ts";
import { transact } from "../../platform/db/transact.ts";
import { record } from "../../records/audit/audit.ts";
import type { Origin, RemoteOrigin } from "../../records/audit/events.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import { keyFor, readHs256, signHs256 } from "../../platform/hs256/hs256.ts";
import { uuidv7 } from "../../platform/kernel/ids.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import type { User } from "../users/users.store.ts";
import { deleteDevice, insertDevice, useDevice } from "./remembered-devices.store.ts";

export interface RememberDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly keyring: Keyring;
  /** How long a device is remembered. If it is `undefined`, no device is remembered. */
  readonly rememberDeviceSeconds: number | undefined;
}

const TYPE = "rd+jwt";

/**
 * Remembers the device that has just shown a second factor. Returns its token, which is bound to
 * the user and dies with the password (MF-10), or `undefined` if the operator does not allow it.
 */
export async function rememberDevice(
  tx: Tx,
  deps: RememberDeps,
  user: Held<User>,
  origin: RemoteOrigin,
): Promise<string | undefined> {
  if (deps.rememberDeviceSeconds === undefined) return undefined;
  const now = deps.clock.now();
  const { address, userAgent } = origin;
  const [id, passwordChangedAt, expiresAt] = [
    uuidv7(deps),
    user.passwordChangedAt,
    now + deps.rememberDeviceSeconds,
  ];
  await insertDevice(tx, {
    id,
    userId: user.id,
    passwordChangedAt,
    address,
    userAgent,
    createdAt: now,
    lastUsedAt: now,
    expiresAt,
  });
  await record(tx, deps, { event: "device.remembered", ...origin, userId: user.id });
  return tokenOf(deps.keyring, { sub: user.id, rid: id });
}

/** Tells whether the token belongs to a device on which this user does not want to be asked. */
export async function isRemembered(
  tx: Tx,
  deps: RememberDeps,
  user: Held<User>,
  token: string | undefined,
): Promise<boolean> {
  const claims =
    token === undefined || deps.rememberDeviceSeconds === undefined
      ? undefined
      : readToken(deps.keyring, token);
  if (claims?.sub !== user.id) return false;
  return useDevice(
    tx,
    { id: claims.rid, userId: user.id, passwordChangedAt: user.passwordChangedAt },
    deps.clock.now(),
  );
}

/** Forgets a device. The call is idempotent, and a device of another user counts as missing. */
export async function forgetDevice(
  deps: RememberDeps,
  which: { readonly id: string; readonly userId: string },
  origin: Origin,
): Promise<void> {
  await transact(deps, async (tx) => {
    if (await deleteDevice(tx, which))
      await record(tx, deps, { event: "device.forgotten", ...origin, userId: which.userId });
  });
}

interface Claims {
  readonly sub: string;
  readonly rid: string;
}

function tokenOf(keyring: Keyring, { sub, rid }: Claims): string {
  return signHs256(keyFor(keyring, "remembered-device"), TYPE, { sub, rid });
}

function readToken(keyring: Keyring, token: string): Claims | undefined {
  const payload = readHs256(keyFor(keyring, "remembered-device"), TYPE, token);
  if (payload === undefined) return undefined;
  const { sub, rid } = payload;
  return typeof sub === "string" && typeof rid === "string" ? { sub, rid } : undefined;
}
