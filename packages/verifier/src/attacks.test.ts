import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import {
  claims,
  eddsa,
  es256,
  forge,
  headerOf,
  pairs,
  row,
  rs256,
  segment,
  sid,
  signInput,
  token,
  world,
  type Pair,
} from "../test/world.ts";

/** The order of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3). */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const { verdict } = world();

function refuses(presented: string, what: string): void {
  assert.equal(verdict(presented), "invalid_token", what);
}

function parts(presented: string): [string, string, string] {
  const [header = "", payload = "", signature = ""] = presented.split(".");
  return [header, payload, signature];
}

const scalar = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString("hex")}`);
const bytes32 = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, "0"), "hex");

/** Applies `change` to the r and s of a token's signature. */
function resigned(
  presented: string,
  change: (r: bigint, s: bigint) => readonly [bigint, bigint],
): string {
  const [header, payload, signature] = parts(presented);
  const raw = Buffer.from(signature, "base64url");
  const changed = change(scalar(raw.subarray(0, 32)), scalar(raw.subarray(32)));
  return `${header}.${payload}.${Buffer.concat(changed.map(bytes32)).toString("base64url")}`;
}

test("the tokens with which these attacks begin are good", () => {
  for (const pair of pairs) assert.equal(verdict(token({}, pair)), "verified", pair.alg);
});

test("JW-01 the algorithm none is refused in upper and lower case, with and without a signature", () => {
  const payload = segment(claims);
  for (const alg of ["none", "None", "NONE", "nOnE", "none ", ""]) {
    const header = segment({ alg, typ: "at+jwt", kid: "es" });
    for (const signature of ["", "AA", parts(token())[2]])
      refuses(`${header}.${payload}.${signature}`, `${alg}|${signature}`);
    refuses(`${header}.${payload}`, alg);
  }
  refuses(`${segment({ alg: "none" })}.${payload}.`, "none alone");
});

test("JW-01 JW-04 an HMAC is refused if its key is the public key in any form, or empty", () => {
  for (const pair of pairs) {
    const secrets = [
      pair.publicKey.export({ type: "spki", format: "pem" }),
      String(pair.publicKey.export({ type: "spki", format: "pem" })).trim(),
      pair.publicKey.export({ type: "spki", format: "der" }),
      JSON.stringify(pair.jwk),
      Buffer.from(pair.jwk.x ?? pair.jwk.n ?? "", "base64url"),
      Buffer.concat([
        Buffer.from(pair.jwk.x ?? "", "base64url"),
        Buffer.from(pair.jwk.y ?? "", "base64url"),
      ]),
      pair.kid,
      "",
      Buffer.alloc(32),
    ];
    for (const alg of ["HS256", "HS384", "HS512", pair.alg]) {
      const input = `${segment({ alg, typ: "at+jwt", kid: pair.kid })}.${segment(claims)}`;
      const hash = alg.startsWith("HS") ? `sha${alg.slice(2)}` : "sha512";
      for (const secret of secrets)
        refuses(
          `${input}.${createHmac(hash, secret).update(input).digest("base64url")}`,
          `${alg} under ${pair.alg}`,
        );
    }
  }
});

test("JW-01 a key verifies only tokens of its own algorithm", () => {
  for (const signer of pairs) {
    for (const named of pairs) {
      for (const alg of [
        "ES256",
        "EdDSA",
        "RS256",
        "Ed25519",
        "ES384",
        "ES512",
        "ES256K",
        "RS384",
        "RS512",
        "PS256",
        "es256",
        "HS256",
      ]) {
        const presented = forge({ alg, typ: "at+jwt", kid: named.kid }, claims, signer);
        const honest = signer === named && alg === signer.alg;
        assert.equal(
          verdict(presented),
          honest ? "verified" : "invalid_token",
          `${signer.alg} as ${alg} under ${named.kid}`,
        );
      }
    }
  }
});

test("JW-01 signatures of another curve, another digest, another padding or another key are refused", () => {
  const input = `${segment(headerOf(es256))}.${segment(claims)}`;
  const data = Buffer.from(input);
  for (const namedCurve of ["P-256", "P-384", "P-521", "secp256k1"]) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve });
    for (const dsaEncoding of ["ieee-p1363", "der"] as const)
      refuses(
        `${input}.${sign("sha256", data, { key: privateKey, dsaEncoding }).toString("base64url")}`,
        `${namedCurve} ${dsaEncoding}`,
      );
  }
  const es = (digest: string): string =>
    sign(digest, data, { key: es256.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url");
  for (const digest of ["sha1", "sha384", "sha512"]) refuses(`${input}.${es(digest)}`, digest);

  const rsaInput = `${segment(headerOf(rs256))}.${segment(claims)}`;
  const pss = sign("sha256", Buffer.from(rsaInput), {
    key: rs256.privateKey,
    padding: 6,
    saltLength: 32,
  });
  refuses(`${rsaInput}.${pss.toString("base64url")}`, "PSS");
  refuses(
    `${rsaInput}.${sign("sha1", Buffer.from(rsaInput), rs256.privateKey).toString("base64url")}`,
    "SHA-1",
  );
});

test("JW-01 a DER signature, a signature of another length and degenerate r or s are refused", () => {
  const good = token();
  const [header, payload, signature] = parts(good);
  const input = `${header}.${payload}`;
  const raw = Buffer.from(signature, "base64url");
  refuses(
    `${input}.${sign("sha256", Buffer.from(input), es256.privateKey).toString("base64url")}`,
    "DER",
  );
  const lengths = [
    raw.subarray(0, 63),
    raw.subarray(1),
    Buffer.concat([raw, Buffer.alloc(1)]),
    Buffer.concat([Buffer.alloc(1), raw]),
    Buffer.alloc(0),
    raw.subarray(0, 32),
  ];
  for (const bytes of lengths)
    refuses(`${input}.${bytes.toString("base64url")}`, `${bytes.length} bytes`);
  const degenerate: readonly (readonly [
    string,
    (r: bigint, s: bigint) => readonly [bigint, bigint],
  ])[] = [
    ["0, 0", () => [0n, 0n]],
    ["0, s", (_, s) => [0n, s]],
    ["r, 0", (r) => [r, 0n]],
    ["1, 1", () => [1n, 1n]],
    ["n, n", () => [N, N]],
    ["r, n", (r) => [r, N]],
    ["0, n", () => [0n, N]],
    ["n − 1, 1", () => [N - 1n, 1n]],
    ["n − r, s", (r, s) => [N - r, s]],
    ["s, r", (r, s) => [s, r]],
    ["all ones", () => [2n ** 256n - 1n, 2n ** 256n - 1n]],
  ];
  for (const [what, change] of degenerate) refuses(resigned(good, change), what);
  for (const pair of [eddsa, rs256]) {
    const [h, p, s] = parts(token({}, pair));
    const length = Buffer.from(s, "base64url").length;
    refuses(`${h}.${p}.${Buffer.alloc(length).toString("base64url")}`, `${pair.alg} zeros`);
    refuses(`${h}.${p}.${Buffer.alloc(length, 0xff).toString("base64url")}`, `${pair.alg} ones`);
  }
});

test("JW-02 JW-03 a kid finds no key if it is a path, a query, a member of a prototype, no string, or ten kilobytes long", () => {
  const kids = [
    "",
    " ",
    "es ",
    "ES",
    "../es",
    "../../dev/null",
    "/dev/null",
    "es\0",
    "\0",
    "x' union select 'k",
    "' or 1=1 --",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "http://evil.example/k",
    "es\n",
    "😀",
    "k".repeat(10_240),
    "k".repeat(2_000),
    null,
    0,
    1,
    true,
    [],
    ["es"],
    {},
    { es: 1 },
  ];
  for (const kid of kids)
    refuses(forge({ alg: "ES256", typ: "at+jwt", kid }, claims), JSON.stringify(kid).slice(0, 40));
});

test("JW-02 JW-05 header members that change how a token is read, or where its key is found, are refused", () => {
  const evil = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const attacker: Pair = {
    kid: "es",
    alg: "ES256",
    jwk: evil.publicKey.export({ format: "jwk" }),
    ...evil,
  };
  const members: readonly Readonly<Record<string, unknown>>[] = [
    { crit: [] },
    { crit: ["exp"], exp: 1 },
    { crit: ["b64"], b64: false },
    { b64: true },
    { b64: false },
    { zip: "DEF" },
    { zip: null },
    { jku: "https://evil.example/jwks.json" },
    { jwk: attacker.jwk },
    { x5u: "https://evil.example/cert" },
    { x5c: ["AAAA"] },
    { x5t: "AAAA" },
    { "x5t#S256": "AAAA" },
    { cty: "JWT" },
    { enc: "A256GCM" },
    { epk: attacker.jwk },
    { p2c: 1e9 },
    { nonce: "n" },
    { iat: 1 },
    { header: { kid: "es" } },
    { Alg: "none" },
  ];
  for (const extra of members)
    for (const signer of [es256, attacker])
      refuses(forge({ ...headerOf(es256), ...extra }, claims, signer), JSON.stringify(extra));
});

test("JW-05 a header is refused if one of its members is absent or if it is not an object of strings", () => {
  const { alg, typ, kid } = headerOf(es256);
  const headers: readonly unknown[] = [
    { typ, kid },
    { alg, kid },
    { alg, typ },
    {},
    [],
    [alg, typ, kid],
    "null",
    "1",
    '"x"',
    "true",
    "",
    " ",
    { alg: [alg], typ, kid },
    { alg: { toString: alg }, typ, kid },
    { alg: null, typ, kid },
    { alg: 1, typ, kid },
  ];
  for (const header of headers) refuses(forge(header, claims), JSON.stringify(header));
});

test("JW-06 JW-14 tokens of another type are refused", () => {
  for (const typ of [
    "JWT",
    "jwt",
    "AT+JWT",
    "at+JWT",
    "application/at+jwt",
    "at+jwt ",
    "at jwt",
    "rt+jwt",
    "dt+jwt",
    "ID",
    "",
    null,
    ["at+jwt"],
  ])
    refuses(forge({ ...headerOf(es256), typ }, claims), JSON.stringify(typ));
});

test("JW-07 a payload that is not an object is refused", () => {
  for (const payload of [
    "null",
    "1",
    '"x"',
    "[]",
    "true",
    "",
    " ",
    JSON.stringify([claims]),
    "{",
    `${JSON.stringify(claims)}x`,
    `\ufeff${JSON.stringify(claims)}`,
  ])
    refuses(forge(headerOf(es256), payload), payload.slice(0, 20));
});

test("JW-09 duplicate names in header or payload are refused, at any depth and in any spelling", () => {
  const header = JSON.stringify(headerOf(es256));
  const payload = JSON.stringify(claims);
  const closing = /\}$/;
  for (const doubled of ['"alg":"none"', '"alg":"ES256"', '"\\u0061lg":"ES256"', '"kid":"es"'])
    refuses(forge(header.replace(closing, `,${doubled}}`), claims), doubled);
  for (const doubled of [
    '"sub":"x"',
    `"sid":"${sid}"`,
    '"exp":9999999999',
    '"\\u0065xp":9999999999',
    '"x":{"a":1,"a":2}',
    '"x":[{"a":1,"a":2}]',
  ])
    refuses(forge(headerOf(es256), payload.replace(closing, `,${doubled}}`)), doubled);
  for (const forbidden of ['"__proto__":{"sub":"x"}', '"constructor":{}', '"x":{"prototype":1}'])
    refuses(forge(headerOf(es256), payload.replace(closing, `,${forbidden}}`)), forbidden);
});

test("JW-09 bytes that are not UTF-8 and halves of surrogate pairs are refused", () => {
  const raw = (bytes: Buffer): string => {
    const input = `${segment(headerOf(es256))}.${bytes.toString("base64url")}`;
    return `${input}.${signInput(es256, input).toString("base64url")}`;
  };
  const [before = "", after = ""] = JSON.stringify({ ...claims, x: "?" }).split("?");
  const around = (...bytes: number[]): Buffer =>
    Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
  assert.equal(verdict(raw(around(0xc3, 0xa9))), "verified");
  for (const bytes of [
    [0xff],
    [0xc3],
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0x80],
    [0x00],
  ])
    refuses(raw(around(...bytes)), bytes.join(" "));
  refuses(forge(headerOf(es256), `${before}\\ud800${after}`), "escaped half");
});

test("JW-09 a token has one spelling: padding, white space, the other alphabet and trailing bits are refused", () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const good = parts(token({ pad: "??>>" }));
  for (const place of [0, 1, 2]) {
    const respelt = (change: (text: string) => string): string =>
      good.map((text, i) => (i === place ? change(text) : text)).join(".");
    for (const mark of ["=", "==", " ", "\t", "\n", "\r\n", "\0", "%3D", "é", "."]) {
      refuses(
        respelt((text) => text + mark),
        `${JSON.stringify(mark)} after`,
      );
      refuses(
        respelt((text) => mark + text),
        `${JSON.stringify(mark)} before`,
      );
      refuses(
        respelt((text) => text.slice(0, 8) + mark + text.slice(8)),
        `${JSON.stringify(mark)} inside`,
      );
    }
  }
  const [header, payload, signature] = good;
  assert.equal(signature.length % 4, 2, "The last character carries four bits without meaning.");
  const last = alphabet.indexOf(signature.slice(-1));
  for (let bits = 1; bits < 16; bits += 1)
    refuses(
      `${header}.${payload}.${signature.slice(0, -1)}${alphabet.charAt(last ^ bits)}`,
      `trailing bits ${bits}`,
    );

  let respelt = 0;
  for (let i = 0; i < 40; i += 1) {
    const standard = token({ gen: i }).replaceAll("-", "+").replaceAll("_", "/");
    if (!/[+/]/.test(standard)) continue;
    refuses(standard, "standard alphabet");
    respelt += 1;
  }
  assert.ok(respelt > 0);
});

test("JW-09 other forms and numbers of segments are refused", () => {
  const good = token();
  const [header, payload, signature] = parts(good);
  const forms = [
    "",
    ".",
    "..",
    "...",
    header,
    `${header}.${payload}`,
    `${good}.`,
    `.${good}`,
    `${good}.${signature}`,
    `${good}.${good}`,
    `${header}..${signature}`,
    `.${payload}.${signature}`,
    `${header}.${payload}.`,
    `${header}.${payload}..${signature}`,
    `Bearer ${good}`,
    `"${good}"`,
    "null",
    "undefined",
    "[object Object]",
    "€.€.€",
    "\ud800.a.b",
    ".".repeat(4096),
    "A".repeat(1_000_000),
    good.repeat(10),
  ];
  for (const form of forms) refuses(form, form.slice(0, 30));
  refuses(JSON.stringify({ payload, protected: header, signature }), "flattened JSON");
  refuses(
    JSON.stringify({ payload, signatures: [{ protected: header, signature }] }),
    "general JSON",
  );
  refuses(forge(headerOf(es256), { ...claims, pad: "x".repeat(3000) }), "more than 4,096 bytes");
  refuses(`${header}.${payload}.AAAA.AAAA.${signature}`, "the shape of a JWE");
});

test("JW-09 every truncation of a token is refused", () => {
  for (const pair of pairs) {
    const good = token({}, pair);
    for (let length = 0; length < good.length; length += 1) {
      refuses(good.slice(0, length), `${pair.alg} ${length} first`);
      refuses(good.slice(good.length - length), `${pair.alg} ${length} last`);
    }
  }
});

test("JW-09 every token with one bit flipped is refused, also while the token itself is remembered", () => {
  const good = token({}, eddsa);
  assert.equal(verdict(good), "verified");
  for (let place = 0; place < good.length; place += 1)
    for (let bit = 0; bit < 8; bit += 1) {
      const flipped =
        good.slice(0, place) +
        String.fromCharCode(good.charCodeAt(place) ^ (1 << bit)) +
        good.slice(place + 1);
      refuses(flipped, `bit ${bit} of character ${place}`);
    }
});

test("JW-10 a token whose s is replaced by n − s is good and dead together with the original", () => {
  const { view, verdict: ours } = world();
  const good = token();
  const twin = resigned(good, (r, s) => [r, N - s]);
  assert.notEqual(twin, good);
  assert.deepEqual([ours(good), ours(twin)], ["verified", "verified"]);
  view.apply(row());
  assert.deepEqual([ours(good), ours(twin)], ["session_ended", "session_ended"]);
});

test("JW-10 a token of a revoked session is dead even if its white space and the order of its members differ", () => {
  const { view, verdict: ours } = world();
  const respelt = forge(
    `{ "kid":"es",\n"typ":"at+jwt", "alg":"\\u0045S256" }`,
    JSON.stringify(Object.fromEntries(Object.entries(claims).toReversed()), null, 2),
  );
  assert.equal(ours(respelt), "verified");
  view.apply(row());
  assert.equal(ours(respelt), "session_ended");
});
