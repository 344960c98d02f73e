// Measures the revocation view alone, in this process: the memory of a million live revocations,
// and their cost for a verification.
import { generateKeyPairSync, sign } from "node:crypto";
import {
  createKeySet,
  createRevocationView,
  createVerifier,
  type RevocationView,
  type Verifier,
} from "@portcullis/verifier";
import { median } from "../bench.ts";
import { uuid } from "../uuid.ts";

export interface ViewFigures {
  readonly loadMilliseconds: number;
  readonly megabytes: number;
  /** Times if every signature is checked. */
  readonly checked: Pair;
  /** Times if every signature is remembered from before. */
  readonly remembered: Pair;
}

interface Pair {
  readonly empty: Latency;
  readonly full: Latency;
}

/** The microseconds of one `verify`. */
interface Latency {
  readonly p50: number;
  readonly p99: number;
}

const [sessions = 1_000_000, users = 50_000] = process.argv.slice(2).map(Number);
const TOKENS = 1000;
const ROUNDS = 7;
const ORIGIN = "http://127.0.0.1";
const now = Math.floor(Date.now() / 1000);

const before = held();
const startedAt = performance.now();
const fullView = createRevocationView();
for (let index = 0; index < sessions; index += 1) fullView.apply(row("session", uuid(index, 2)));
for (let index = 0; index < users; index += 1) fullView.apply(row("user", uuid(index, 3)));
const loadMilliseconds = performance.now() - startedAt;
const megabytes = (held() - before) / 2 ** 20;

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const tokens = Array.from({ length: TOKENS }, (_, index) => token(index));
const figures: ViewFigures = {
  loadMilliseconds,
  megabytes,
  checked: measurePair(0, 5000),
  remembered: measurePair(TOKENS * 4, 100_000),
};
process.stdout.write(JSON.stringify(figures));

function row(scope: "session" | "user", subject: string) {
  return {
    scope,
    subject,
    minHardEpoch: scope === "user" ? 1 : null,
    minAuthorizationEpoch: null,
    cause: "logout",
    expiresAt: now + 86_400,
  } as const;
}

function verifierOn(view: RevocationView, cacheSize: number): Verifier {
  const keys = createKeySet();
  keys.replace([{ kid: "bench", alg: "ES256", jwk: publicKey.export({ format: "jwk" }) }]);
  const clock = {
    now: () => Math.floor(Date.now() / 1000),
    wallMilliseconds: () => Date.now(),
    monotonicMilliseconds: () => performance.now(),
  };
  view.markFresh({ monotonicMilliseconds: performance.now(), wallMilliseconds: Date.now() }, 3600);
  return createVerifier({
    issuer: ORIGIN,
    audience: ORIGIN,
    keys,
    view,
    clock,
    maxLifetimeSeconds: 3600,
    cacheSize,
  });
}

/**
 * Measures both in turn, so that other load of the machine affects both. The first round only warms
 * up.
 */
function measurePair(cacheSize: number, count: number): Pair {
  const [empty, full] = [
    verifierOn(createRevocationView(), cacheSize),
    verifierOn(fullView, cacheSize),
  ];
  const rounds = Array.from({ length: ROUNDS + 1 }, () => ({
    empty: measure(empty, count),
    full: measure(full, count),
  })).slice(1);
  return { empty: middle(rounds.map((r) => r.empty)), full: middle(rounds.map((r) => r.full)) };
}

function measure(verifier: Verifier, count: number): Latency {
  const microseconds = new Float64Array(count);
  for (let turn = 0; turn < count; turn += 1) {
    const presented = tokens[turn % TOKENS] ?? "";
    const from = process.hrtime.bigint();
    const outcome = verifier.verify(presented);
    microseconds[turn] = Number(process.hrtime.bigint() - from) / 1000;
    if (outcome.kind !== "verified") throw new Error(`refused: ${outcome.code}`);
  }
  microseconds.sort();
  return {
    p50: microseconds[Math.floor(count * 0.5)] ?? -1,
    p99: microseconds[Math.floor(count * 0.99)] ?? -1,
  };
}

function middle(latencies: readonly Latency[]): Latency {
  return { p50: median(latencies.map((l) => l.p50)), p99: median(latencies.map((l) => l.p99)) };
}

function token(index: number): string {
  const claims = {
    iss: ORIGIN,
    aud: ORIGIN,
    sub: uuid(index, 4),
    sid: uuid(index, 5),
    jti: uuid(index, 6),
    iat: now,
    exp: now + 3600,
    hep: 1,
    aep: 1,
    gen: 1,
    auth_time: now,
    amr: ["pwd"],
    acr: "aal1",
  };
  const signed = [{ alg: "ES256", typ: "at+jwt", kid: "bench" }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  const signature = sign("sha256", Buffer.from(signed), {
    key: privateKey,
    dsaEncoding: "ieee-p1363",
  });
  return `${signed}.${signature.toString("base64url")}`;
}

/** Returns the bytes in use in and outside the heap. */
function held(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
