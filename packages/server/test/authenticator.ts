import type { Assertion, Attestation } from "@portcullis/contract";
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";

/**
 * An authenticator and the browser in front of it, both in software. Each part of their output can
 * be falsified on its own.
 */
export interface Authenticator {
  /** Stands in for `navigator.credentials.create` and its `toJSON`. */
  create(options: Options, wrong?: Wrong): Attestation;
  /** Stands in for `navigator.credentials.get` and its `toJSON`. */
  get(options: Options, wrong?: Wrong): Assertion;
}

/** The options from the server. A browser reads more of them than this type has. */
export interface Options {
  readonly [member: string]: unknown;
}

export interface Wrong {
  // ── the browser's part
  readonly type?: string;
  readonly challenge?: string;
  readonly origin?: string;
  readonly crossOrigin?: unknown;
  readonly topOrigin?: unknown;
  /** These bytes replace the whole of it. */
  readonly clientDataJSON?: Uint8Array;
  readonly userHandle?: string | null;
  readonly id?: string;
  readonly rawId?: string;
  // ── the authenticator's part
  readonly domain?: string;
  readonly up?: boolean;
  readonly uv?: boolean;
  readonly be?: boolean;
  readonly bs?: boolean;
  readonly counter?: number;
  /** The id of the credential in the authenticator data. */
  readonly credentialId?: Uint8Array;
  /** The COSE key, encoded as CBOR. */
  readonly publicKey?: Uint8Array;
  readonly authenticatorData?: Uint8Array;
  readonly attestationObject?: Uint8Array;
  readonly signature?: Uint8Array;
  /** This key signs in place of the credential's own key. */
  readonly key?: Key;
}

export interface Made {
  readonly origin: string;
  readonly domain: string;
  readonly algorithm?: Algorithm;
  /** Whether it verifies its user (UV). */
  readonly verifies?: boolean;
  /** Whether its passkeys are synchronised (BE and BS). */
  readonly synced?: boolean;
  /** Whether it counts its uses. Otherwise the counter stays 0. */
  readonly counts?: boolean;
}

export type Algorithm = "ES256" | "EdDSA" | "RS256";

export interface Key {
  readonly privateKey: KeyObject;
  /** The public key in COSE form (RFC 9052 §7). */
  readonly cose: Uint8Array;
  readonly digest: string | null;
}

/** Keeps one credential at a time, until the next `create`. */
export function createAuthenticator(made: Made): Authenticator {
  const { algorithm = "ES256", verifies = true, synced = false, counts = true } = made;
  const own = { key: keyOf(algorithm), id: randomBytes(32), userHandle: "", counter: 0 };

  const authenticatorData = (wrong: Wrong, attested: Uint8Array = Buffer.alloc(0)): Uint8Array => {
    const {
      up = true,
      uv = verifies,
      be = synced,
      bs = synced,
      domain = made.domain,
      counter = counts ? own.counter : 0,
    } = wrong;
    const flags = [up, false, uv, be, bs, false, attested.length > 0].reduce(
      (bits, on, position) => bits | (Number(on) << position),
      0,
    );
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    return (
      wrong.authenticatorData ?? Buffer.concat([sha256(domain), Buffer.of(flags), count, attested])
    );
  };

  const clientData = (type: string, options: Options, wrong: Wrong): Buffer => {
    const {
      challenge = options["challenge"],
      origin = made.origin,
      crossOrigin = false,
      topOrigin,
    } = wrong;
    return Buffer.from(
      wrong.clientDataJSON ??
        JSON.stringify({ type: wrong.type ?? type, challenge, origin, crossOrigin, topOrigin }),
    );
  };

  const common = (wrong: Wrong) => {
    const id = wrong.id ?? own.id.toString("base64url");
    return {
      id,
      rawId: wrong.rawId ?? id,
      type: "public-key",
      clientExtensionResults: {},
    } as const;
  };

  return {
    create: (options, wrong = {}) => {
      Object.assign(own, {
        key: keyOf(algorithm),
        id: randomBytes(32),
        userHandle: userIdIn(options),
        counter: 0,
      });
      const { credentialId = own.id, publicKey = own.key.cose } = wrong;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(credentialId.length);
      const authData = authenticatorData(
        wrong,
        Buffer.concat([Buffer.alloc(16), length, credentialId, publicKey]),
      );
      const none = cbor(
        new Map<string, Cbor>([
          ["fmt", "none"],
          ["attStmt", new Map()],
          ["authData", authData],
        ]),
      );
      const attestationObject = Buffer.from(wrong.attestationObject ?? none).toString("base64url");
      const clientDataJSON = clientData("webauthn.create", options, wrong).toString("base64url");
      return {
        ...common(wrong),
        response: { clientDataJSON, attestationObject, transports: ["internal"] },
      };
    },
    get: (options, wrong = {}) => {
      own.counter += 1;
      const authData = authenticatorData(wrong);
      const clientDataJSON = clientData("webauthn.get", options, wrong);
      const { privateKey, digest } = wrong.key ?? own.key;
      const signature =
        wrong.signature ??
        sign(digest, Buffer.concat([authData, sha256(clientDataJSON)]), privateKey);
      return {
        ...common(wrong),
        response: {
          clientDataJSON: clientDataJSON.toString("base64url"),
          authenticatorData: Buffer.from(authData).toString("base64url"),
          signature: Buffer.from(signature).toString("base64url"),
          userHandle: wrong.userHandle === undefined ? own.userHandle : wrong.userHandle,
        },
      };
    },
  };
}

export function keyOf(algorithm: Algorithm): Key {
  switch (algorithm) {
    case "ES256": {
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const { x, y } = publicKey.export({ format: "jwk" });
      return {
        privateKey,
        digest: "sha256",
        cose: cose([
          [1, 2],
          [3, -7],
          [-1, 1],
          [-2, bytes(x)],
          [-3, bytes(y)],
        ]),
      };
    }
    case "EdDSA": {
      const { privateKey, publicKey } = generateKeyPairSync("ed25519");
      const { x } = publicKey.export({ format: "jwk" });
      return {
        privateKey,
        digest: null,
        cose: cose([
          [1, 1],
          [3, -8],
          [-1, 6],
          [-2, bytes(x)],
        ]),
      };
    }
    case "RS256": {
      const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
      const { n, e } = publicKey.export({ format: "jwk" });
      return {
        privateKey,
        digest: "sha256",
        cose: cose([
          [1, 3],
          [3, -257],
          [-1, bytes(n)],
          [-2, bytes(e)],
        ]),
      };
    }
  }
}

export function cose(members: readonly (readonly [number, Cbor])[]): Uint8Array {
  return cbor(new Map(members));
}

export type Cbor =
  | number
  | string
  | Uint8Array
  | readonly Cbor[]
  | ReadonlyMap<string | number, Cbor>;

/** Encodes CBOR (RFC 8949 §3), as far as authenticators need it. */
export function cbor(value: Cbor): Uint8Array {
  if (typeof value === "number") return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === "string")
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  if (value instanceof Map)
    return Buffer.concat([
      head(5, value.size),
      ...[...value].flatMap(([key, item]) => [cbor(key), cbor(item)]),
    ]);
  const items = [...value.values()];
  return Buffer.concat([head(4, items.length), ...items.map(cbor)]);
}

function head(major: number, argument: number): Buffer {
  if (argument < 24) return Buffer.of((major << 5) | argument);
  const size = argument < 0x100 ? 1 : argument < 0x1_0000 ? 2 : 4;
  const written = Buffer.alloc(1 + size);
  written.writeUInt8((major << 5) | (24 + Math.log2(size)));
  written.writeUIntBE(argument, 1, size);
  return written;
}

function userIdIn({ user }: Options): string {
  return typeof user === "object" && user !== null && "id" in user ? String(user.id) : "";
}

function bytes(member: string | undefined): Uint8Array {
  return Buffer.from(member ?? "", "base64url");
}

function sha256(data: string | Uint8Array): Buffer {
  return createHash("sha256").update(data).digest();
}
