import type { AccessClaims } from "@portcullis/contract";
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type JSONWebKeySet,
  type JWTHeaderParameters,
  type JWTVerifyGetKey,
} from "jose";
import { readConfig } from "../../src/process/config.ts";
import { systemClock } from "../../src/platform/kernel/clock.ts";
import { start, type Running } from "../../src/process/start.ts";
import { mint } from "../../src/accounts/tokens/mint.ts";
import type { SessionTokens } from "../../src/accounts/users/ports.ts";

const ISSUER = "https://accounts.example.com";
const AUDIENCE = "https://api.example.com";
const PYTHON = "/usr/bin/python3";

interface Issued {
  readonly jwks: URL;
  readonly header: { readonly alg: string; readonly typ: "at+jwt"; readonly kid: string };
  readonly claims: AccessClaims;
  readonly good: string;
  /**
   * A token that the server's own key has signed but that is expired, for another audience or from
   * another issuer.
   */
  readonly expired: string;
  readonly forOthers: string;
  readonly fromOthers: string;
}

/** The answer of a library: the token it verified, or the name of its refusal. */
type Verified = { readonly header: object; readonly claims: object } | { readonly refused: string };

interface Check {
  readonly token: string;
  readonly algorithms: readonly string[];
  readonly audience: string;
  readonly issuer: string;
}

const noPyJwt = whyNoPyJwt();

for (const algorithm of ["ES256", "EdDSA", "RS256"] as const) {
  test(`jose verifies an access token signed with ${algorithm}, and refuses one that is expired, for others or from others`, async () => {
    await withServer(algorithm, async (issued) => {
      const published = (await (await fetch(issued.jwks)).json()) as JSONWebKeySet;
      for (const keys of [createLocalJWKSet(published), createRemoteJWKSet(issued.jwks)]) {
        await assertInterop(issued, async (check) => askJose(keys, check), {
          expired: "JWTExpired",
          claim: "JWTClaimValidationFailed",
          algorithm: "JOSEAlgNotAllowed",
        });
      }
    });
  });

  test(
    `PyJWT verifies an access token signed with ${algorithm}, and refuses one that is expired, for others or from others`,
    { skip: noPyJwt },
    async () => {
      await withServer(algorithm, async (issued) => {
        const refusals = {
          expired: "ExpiredSignatureError",
          audience: "InvalidAudienceError",
          issuer: "InvalidIssuerError",
          algorithm: "InvalidAlgorithmError",
        };
        await assertInterop(issued, async (check) => askPyJwt(issued.jwks, check), refusals);
      });
    },
  );
}

type Refusals = { readonly expired: string; readonly algorithm: string } & (
  | { readonly claim: string }
  | { readonly audience: string; readonly issuer: string }
);

async function assertInterop(
  issued: Issued,
  ask: (check: Check) => Promise<Verified>,
  refusals: Refusals,
): Promise<void> {
  const [audience, issuer] =
    "claim" in refusals ? [refusals.claim, refusals.claim] : [refusals.audience, refusals.issuer];
  const expected: Omit<Check, "token"> = {
    algorithms: [issued.header.alg],
    audience: AUDIENCE,
    issuer: ISSUER,
  };
  assert.deepEqual(await ask({ ...expected, token: issued.good }), {
    header: issued.header,
    claims: issued.claims,
  });
  assert.deepEqual(await ask({ ...expected, token: issued.expired }), {
    refused: refusals.expired,
  });
  assert.deepEqual(await ask({ ...expected, token: issued.forOthers }), { refused: audience });
  assert.deepEqual(
    await ask({ ...expected, token: issued.good, audience: "https://other.example.com" }),
    { refused: audience },
  );
  assert.deepEqual(await ask({ ...expected, token: issued.fromOthers }), { refused: issuer });
  assert.deepEqual(
    await ask({ ...expected, token: issued.good, issuer: "https://other.example.com" }),
    { refused: issuer },
  );
  const others = ["ES256", "EdDSA", "RS256", "HS256"].filter((name) => name !== issued.header.alg);
  assert.deepEqual(await ask({ ...expected, token: issued.good, algorithms: others }), {
    refused: refusals.algorithm,
  });
}

async function askJose(
  keys: JWTVerifyGetKey,
  { token, algorithms, audience, issuer }: Check,
): Promise<Verified> {
  try {
    const { protectedHeader, payload } = await jwtVerify<AccessClaims>(token, keys, {
      algorithms: [...algorithms],
      audience,
      issuer,
      typ: "at+jwt",
    });
    return { header: plain(protectedHeader), claims: plain(payload) };
  } catch (error) {
    if (error instanceof errors.JOSEError) return { refused: error.constructor.name };
    throw error;
  }
}

function plain(value: JWTHeaderParameters | AccessClaims): object {
  return { ...value };
}

async function askPyJwt(jwks: URL, check: Check): Promise<Verified> {
  const answered = await new Promise<string>((resolve, reject) => {
    const python = execFile(PYTHON, [join(import.meta.dirname, "verify.py")], (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
    python.stdin?.end(JSON.stringify({ jwks, ...check }));
  });
  return JSON.parse(answered) as Verified;
}

/** Runs a listening server with one user, signed in over HTTP. */
async function withServer(
  algorithm: string,
  run: (issued: Issued) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-interop-"));
  const config = readConfig({
    PORTCULLIS_DATA_DIR: folder,
    PORTCULLIS_REGISTRATION: "immediate",
    PORTCULLIS_AUDIENCE: AUDIENCE,
    PORTCULLIS_SIGNING_ALGORITHM: algorithm,
    PORTCULLIS_LOG: "silent",
  });
  const running = await start(config, { port: 0, publicUrl: ISSUER });
  try {
    await run(await issue(running, algorithm));
  } finally {
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function issue({ port, rules }: Running, algorithm: string): Promise<Issued> {
  const url = `http://127.0.0.1:${port}`;
  const post = async (path: string, body: object): Promise<unknown> => {
    const response = await fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 201);
    return response.json();
  };
  const credentials = { email: "anna@example.com", password: "seven quiet herons" };
  await post("/v1/users", credentials);
  const { accessToken: good } = (await post("/v1/sessions", {
    identifier: credentials.email,
    password: credentials.password,
  })) as SessionTokens;
  const [header, claims] = good
    .split(".")
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, "base64url").toString()) as unknown) as [
    Issued["header"],
    AccessClaims,
  ];
  assert.deepEqual(header, { alg: algorithm, typ: "at+jwt", kid: rules.keys.signing().kid });

  const now = systemClock.now();
  const grant = {
    userId: claims.sub,
    sessionId: claims.sid,
    hardEpoch: claims.hep,
    authorizationEpoch: claims.aep,
    generation: claims.gen,
    authTime: now - 700,
    amr: claims.amr,
    acr: claims.acr,
    issuedAt: now,
    expiresAt: now + 600,
  };
  return {
    jwks: new URL("/.well-known/jwks.json", url),
    header,
    claims,
    good,
    expired: mint(rules, { ...grant, issuedAt: now - 700, expiresAt: now - 100 }),
    forOthers: mint({ ...rules, audience: "https://other.example.com" }, grant),
    fromOthers: mint({ ...rules, issuer: "https://other.example.com" }, grant),
  };
}

/**
 * Returns the reason to skip, or `false`. A Debian machine that runs the tests as root installs the
 * package.
 */
function whyNoPyJwt(): string | false {
  const hasPyJwt = (): boolean =>
    spawnSync(PYTHON, ["-c", "import jwt, cryptography"]).status === 0;
  if (hasPyJwt()) return false;
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version"))
    return "PyJWT is not installed (Debian: python3-jwt and python3-cryptography): nothing was proven with it";
  const installed = spawnSync(
    "apt-get",
    ["install", "-y", "--no-install-recommends", "python3-jwt", "python3-cryptography"],
    {
      encoding: "utf8",
      timeout: 120_000,
    },
  );
  if (hasPyJwt()) return false;
  return `PyJWT could not be installed, so nothing was proven with it: ${installed.error?.message ?? installed.stderr.trim().split("\n").at(-1)}`;
}
