import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  timingSafeEqual,
  type KeyObject,
} from "node:crypto";
import type { Random } from "./random.ts";

/**
 * Each purpose has a label of its own, so that a key derived for one can never serve another
 * (KY-05).
 */
export type Purpose =
  | "audit-chain"
  | "csrf-token"
  | "cursor"
  | "device-token"
  | "face-mail-token"
  | "face-pending-token"
  | "face-refresh-token"
  | "face-token"
  | "import-id"
  | "mail-seal"
  | "one-time-code"
  | "passkey-challenge"
  | "password-seal"
  | "recovery-code-seal"
  | "refresh-token"
  | "remembered-device"
  | "signing-key-seal"
  | "throttle-bucket"
  | "totp-seal";

/**
 * Derives keys from the master secret, which lives outside the database (HKDF-SHA-256, RFC 5869).
 * Older master secrets still open what they sealed. Only the first one seals and signs.
 */
export interface Keyring {
  /** Returns the HMAC-SHA-256 under the purpose's key of the current master secret. */
  mac(purpose: Purpose, data: string | Uint8Array): Buffer;
  /**
   * Tells, in constant time, whether `mac` is that of `data` under the current or an older master
   * secret.
   */
  verifyMac(purpose: Purpose, data: string | Uint8Array, mac: Uint8Array): boolean;
  /**
   * Seals with AES-256-GCM. The same `context` must be given to open it, so a value that is sealed
   * for one row opens for no other.
   */
  seal(purpose: Purpose, context: string, plain: Uint8Array): Buffer;
  /** @throws {UnsealError} if no known master secret opens it in this context */
  open(purpose: Purpose, context: string, sealed: Uint8Array): Buffer;
}

export class UnsealError extends Error {
  constructor(purpose: Purpose) {
    super(
      `A stored ${purpose} value cannot be opened: PORTCULLIS_SECRET is not the secret it was sealed with.`,
    );
    this.name = "UnsealError";
  }
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ID_BYTES = 4;

interface Master {
  readonly id: Buffer;
  key(purpose: Purpose): KeyObject;
}

/** @param secrets master secrets of at least 32 bytes, the current one first */
export function keyring(secrets: readonly [Uint8Array, ...Uint8Array[]], random: Random): Keyring {
  const masters = secrets.map(master);
  const current = masters[0];
  if (current === undefined) throw new RangeError("no master secret");

  return {
    mac: (purpose, data) => createHmac("sha256", current.key(purpose)).update(data).digest(),
    verifyMac: (purpose, data, mac) =>
      masters.some((m) => {
        const expected = createHmac("sha256", m.key(purpose)).update(data).digest();
        return expected.length === mac.length && timingSafeEqual(expected, mac);
      }),
    seal: (purpose, context, plain) => {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", current.key(purpose), nonce);
      cipher.setAAD(Buffer.from(context));
      return Buffer.concat([
        current.id,
        nonce,
        cipher.update(plain),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
    },
    open: (purpose, context, sealed) => {
      const bytes = Buffer.from(sealed);
      const found = masters.find((m) => m.id.equals(bytes.subarray(0, ID_BYTES)));
      if (found === undefined || bytes.length < ID_BYTES + NONCE_BYTES + TAG_BYTES)
        throw new UnsealError(purpose);
      const decipher = createDecipheriv(
        "aes-256-gcm",
        found.key(purpose),
        bytes.subarray(ID_BYTES, ID_BYTES + NONCE_BYTES),
      );
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        return Buffer.concat([
          decipher.update(bytes.subarray(ID_BYTES + NONCE_BYTES, -TAG_BYTES)),
          decipher.final(),
        ]);
      } catch {
        throw new UnsealError(purpose);
      }
    },
  };
}

function master(secret: Uint8Array): Master {
  if (secret.length < 32) throw new RangeError("a master secret needs at least 32 bytes");
  const derive = (label: string): Buffer =>
    Buffer.from(hkdfSync("sha256", secret, "portcullis", label, 32));
  // Key objects are kept, because Node prepares a plain buffer anew for each use, which costs more
  // than the HMAC.
  const derived = new Map<Purpose, KeyObject>();
  return {
    id: createHash("sha256").update(derive("identifier")).digest().subarray(0, ID_BYTES),
    key: (purpose) => {
      const known = derived.get(purpose);
      if (known !== undefined) return known;
      const key = createSecretKey(derive(`v1:${purpose}`));
      derived.set(purpose, key);
      return key;
    },
  };
}
