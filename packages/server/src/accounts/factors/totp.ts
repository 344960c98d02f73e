import { transact } from "../../platform/db/transact.ts";
import type { Begun, Proof } from "@portcullis/contract";
import { Secret, TOTP as Totp } from "otpauth";
import type { Db } from "../../platform/db/open.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import { uuidv7 } from "../../platform/kernel/ids.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import type { Asked, Checked, Factor, Match, Preparation } from "../sign-in/factor.ts";
import { holdUnchanged } from "../users/hold-unchanged.ts";
import type { User } from "../users/users.store.ts";
import { noteAdded } from "./change.ts";
import { qrOf } from "./qr.ts";
import {
  confirmTotp,
  deleteUnconfirmed,
  findUnconfirmed,
  hasConfirmed,
  insertTotp,
  listConfirmed,
  spendStep,
  type TotpDevice,
} from "./totp.store.ts";
import { UNCONFIRMED_APP_SECONDS } from "../proofs/lifetimes.ts";

export interface TotpDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly keyring: Keyring;
  readonly serviceName: string;
}

/**
 * The parameters that every authenticator app supports. The algorithm is always SHA-1 (RFC 6238
 * §1.2).
 */
export const TOTP = { digits: 6, periodSeconds: 30 } as const;

/** 160 bits (RFC 4226 §4, R6). */
const SECRET_BYTES = 20;
const MOST_DEVICES = 5;
const NAME = "Authenticator app";
/**
 * One step either way is accepted, for clocks that differ and for people who type slowly (RFC 6238
 * §5.2).
 */
const WINDOW = 1;

/** Makes the factor of authenticator apps (RFC 6238). */
export function createTotp(deps: TotpDeps): Factor {
  return {
    name: "totp",
    standsAlone: true,
    enrolment: {
      isOpenTo: () => true,
      begin: async (asked) => beginTotp(deps, asked),
      check: async (asked, proof) => checkFirst(deps, asked, proof),
    },
    isEnrolled: hasConfirmed,
    check: async ({ user }, proof) => check(deps, user, proof),
  };
}

export type BegunTotp = Extract<Begun, { readonly factor: "totp" }>;

/**
 * Makes a device that does not count yet, and replaces one that was never confirmed. The outcome is
 * `unavailable` if the user has as many devices as are allowed, or is no longer the account that
 * was checked.
 */
export async function beginTotp(
  deps: TotpDeps,
  { flow, user, name = NAME }: Omit<Asked, "origin">,
): Promise<Preparation<BegunTotp>> {
  const now = deps.clock.now();
  const [id, secret] = [uuidv7(deps), deps.random.bytes(SECRET_BYTES)];
  const isNew = await transact(deps, async (tx) => {
    if (
      (await holdUnchanged(tx, user, "account")) === undefined ||
      (await listConfirmed(tx, user.id)).length >= MOST_DEVICES
    )
      return false;
    await deleteUnconfirmed(tx, user.id);
    const secretSealed = sealSecret(deps.keyring, id, secret);
    const device = { id, userId: user.id, name, flowId: flow.id, secretSealed, ...TOTP };
    await insertTotp(tx, { ...device, lastStep: 0, createdAt: now, confirmedAt: null });
    return true;
  });
  if (!isNew) return { kind: "unavailable" };
  const uri = uriOf({
    secret,
    issuer: deps.serviceName,
    label: user.email ?? user.username ?? user.id,
    ...TOTP,
  });
  const { svg, png } = qrOf(uri);
  const expiresAt = now + UNCONFIRMED_APP_SECONDS;
  return {
    kind: "prepared",
    prepared: {
      factor: "totp",
      id,
      secret: secretOf(secret).base32,
      uri,
      qrSvg: svg,
      qrPng: png,
      expiresAt,
    },
  };
}

/** Finds the device that can still be confirmed. */
export async function findPending(
  { db, clock }: Pick<TotpDeps, "db" | "clock">,
  userId: string,
): Promise<TotpDevice | undefined> {
  const device = await findUnconfirmed(db, userId);
  return device !== undefined && device.createdAt > clock.now() - UNCONFIRMED_APP_SECONDS
    ? device
    : undefined;
}

async function checkFirst(deps: TotpDeps, { user, origin }: Asked, proof: Proof): Promise<Checked> {
  const device = await findPending(deps, user.id);
  const step =
    device && "code" in proof ? matchStep(device, deps.keyring, proof.code, deps.clock) : undefined;
  if (device === undefined || step === undefined) return { kind: "mismatched" };
  const { id } = device;
  return matched(async (tx) => {
    if (!(await confirmTotp(tx, { id, step }, deps.clock.now()))) return undefined;
    await noteAdded(tx, deps, { user, name: "totp" }, origin);
    return { enrolledId: id };
  });
}

async function check(deps: TotpDeps, user: User, proof: Proof): Promise<Checked> {
  if (!("code" in proof)) return { kind: "mismatched" };
  for (const device of await listConfirmed(deps.db, user.id)) {
    const { id, lastStep } = device;
    const step = matchStep(device, deps.keyring, proof.code, deps.clock);
    if (step !== undefined && step > lastStep)
      return matched(async (tx) => ((await spendStep(tx, { id, step })) ? {} : undefined));
  }
  return { kind: "mismatched" };
}

function matched(spend: Match["spend"]): Checked {
  return { kind: "matched", match: { amr: ["otp"], spend } };
}

/** Finds the time step whose code this is, by our clock and in constant time (MF-01, MF-11). */
export function matchStep(
  device: Pick<TotpDevice, "id" | "secretSealed" | "digits" | "periodSeconds">,
  keyring: Keyring,
  code: string,
  clock: Clock,
): number | undefined {
  const token = code.replaceAll(" ", "");
  if (!/^\d+$/.test(token)) return undefined;
  const { digits, periodSeconds: period } = device;
  const timestamp = clock.now() * 1000;
  const secret = secretOf(openSecret(keyring, device.id, device.secretSealed));
  const delta = Totp.validate({ token, secret, digits, period, timestamp, window: WINDOW });
  return delta === null ? undefined : Totp.counter({ period, timestamp }) + delta;
}

export function sealSecret(keyring: Keyring, id: string, secret: Uint8Array): Buffer {
  return keyring.seal("totp-seal", id, secret);
}

/** @throws {UnsealError} if it was sealed for another device or with another master secret */
export function openSecret(keyring: Keyring, id: string, sealed: Uint8Array): Buffer {
  return keyring.open("totp-seal", id, sealed);
}

interface Key {
  readonly secret: Uint8Array;
  readonly issuer?: string;
  readonly label: string;
  readonly digits: number;
  readonly periodSeconds: number;
}

/**
 * Returns the text that authenticator apps read from a QR code (Key URI Format). A colon would end
 * the issuer.
 */
export function uriOf({ secret, issuer = "", label, digits, periodSeconds: period }: Key): string {
  return new Totp({
    secret: secretOf(secret),
    issuer: issuer.replaceAll(/\s*:\s*/g, " "),
    label,
    digits,
    period,
    algorithm: "SHA1",
  }).toString();
}

/** Copies exactly these bytes, because those of a `Buffer` may be part of a larger memory. */
function secretOf(bytes: Uint8Array): Secret {
  return new Secret({ buffer: Uint8Array.from(bytes).buffer });
}
