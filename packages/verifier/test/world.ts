import { constants, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import {
  createKeySet,
  createRevocationView,
  createVerifier,
  type Algorithm,
  type KeySet,
  type PublicKey,
  type RevocationRow,
  type RevocationView,
  type Verifier,
  type VerifierClock,
  type VerifierOptions,
} from "../src/index.ts";

export const issuer = "https://id.example";
export const audience = "https://api.example";
export const NOW = 1_800_000_000;
export const LIFETIME = 600;
export const LEEWAY = 5;

export const sub = "0190a0a0-0000-7000-8000-000000000001";
export const sid = "9b2d3c64-5f2e-4c1a-9d3b-7a6f5e4d3c2b";
const jti = "1c9e6679-7425-40de-944b-e07fc1f90ae7";

export interface Pair extends PublicKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

function pair(
  kid: string,
  alg: Algorithm,
  keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject },
): Pair {
  return { kid, alg, jwk: keys.publicKey.export({ format: "jwk" }), ...keys };
}

/** The keys are made once, because an RSA key costs a tenth of a second. */
export const es256: Pair = pair("es", "ES256", generateKeyPairSync("ec", { namedCurve: "P-256" }));
export const eddsa: Pair = pair("ed", "EdDSA", generateKeyPairSync("ed25519"));
export const rs256: Pair = pair("rs", "RS256", generateKeyPairSync("rsa", { modulusLength: 2048 }));
export const pairs: readonly Pair[] = [es256, eddsa, rs256];

export function publicKeys(...list: readonly Pair[]): PublicKey[] {
  return list.map(({ kid, alg, jwk }) => ({ kid, alg, jwk }));
}

export const claims = {
  iss: issuer,
  aud: audience,
  sub,
  sid,
  jti,
  iat: NOW - 10,
  exp: NOW - 10 + LIFETIME,
  hep: 3,
  aep: 7,
  gen: 1,
  auth_time: NOW - 10,
  amr: ["pwd"],
  acr: "aal1",
};

export const segment = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

export function signInput(key: Pair, input: string): Buffer {
  const data = Buffer.from(input);
  switch (key.alg) {
    case "ES256":
      return sign("sha256", data, { key: key.privateKey, dsaEncoding: "ieee-p1363" });
    case "EdDSA":
      return sign(null, data, key.privateKey);
    default:
      return sign("sha256", data, { key: key.privateKey, padding: constants.RSA_PKCS1_PADDING });
  }
}

/** Signs any header and payload, sound or not. Strings are signed as they are. */
export function forge(header: unknown, payload: unknown, key: Pair = es256): string {
  const input = `${segment(header)}.${segment(payload)}`;
  return `${input}.${signInput(key, input).toString("base64url")}`;
}

export const headerOf = (key: Pair): { alg: string; typ: string; kid: string } => ({
  alg: key.alg,
  typ: "at+jwt",
  kid: key.kid,
});

export function token(changes: Readonly<Record<string, unknown>> = {}, key: Pair = es256): string {
  return forge(headerOf(key), { ...claims, ...changes }, key);
}

export interface SteppingClock extends VerifierClock {
  /** Lets time pass on both clocks. */
  advance(seconds: number): void;
  /** Sets the wall clock. No time passes. */
  stepWall(seconds: number): void;
  /** Lets the machine sleep. The monotonic clock stands still. */
  suspend(seconds: number): void;
}

export function steppingClock(startsAt: number = NOW): SteppingClock {
  let wall = startsAt * 1000;
  let monotonic = 1_000;
  return {
    now: () => Math.floor(wall / 1000),
    wallMilliseconds: () => wall,
    monotonicMilliseconds: () => monotonic,
    advance: (seconds) => {
      wall += seconds * 1000;
      monotonic += seconds * 1000;
    },
    stepWall: (seconds) => {
      wall += seconds * 1000;
    },
    suspend: (seconds) => {
      wall += seconds * 1000;
    },
  };
}

export interface World {
  readonly clock: SteppingClock;
  readonly keys: KeySet;
  readonly view: RevocationView;
  readonly verifier: Verifier;
  /** Returns `verified` or the code of the refusal. */
  verdict(presented: string): string;
}

/**
 * Makes a verifier whose view stays fresh for years, so that a test about something else need not
 * renew it.
 */
export function world(changes: Partial<VerifierOptions> = {}): World {
  const clock = steppingClock();
  const keys = createKeySet();
  keys.replace(publicKeys(...pairs));
  const view = createRevocationView();
  view.markFresh(instantOf(clock), 1e9);
  const verifier = createVerifier({
    issuer,
    audience,
    keys,
    view,
    clock,
    maxLifetimeSeconds: LIFETIME,
    leewaySeconds: LEEWAY,
    ...changes,
  });
  return {
    clock,
    keys,
    view,
    verifier,
    verdict: (presented) => {
      const outcome = verifier.verify(presented);
      return outcome.kind === "verified" ? "verified" : outcome.code;
    },
  };
}

export const instantOf = (
  clock: VerifierClock,
): { monotonicMilliseconds: number; wallMilliseconds: number } => ({
  monotonicMilliseconds: clock.monotonicMilliseconds(),
  wallMilliseconds: clock.wallMilliseconds(),
});

export function row(changes: Partial<RevocationRow> = {}): RevocationRow {
  return {
    scope: "session",
    subject: sid,
    minHardEpoch: null,
    minAuthorizationEpoch: null,
    cause: "logout",
    expiresAt: claims.exp + LEEWAY,
    ...changes,
  };
}
