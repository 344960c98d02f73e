import assert from "node:assert/strict";
import { createPublicKey, type JsonWebKey } from "node:crypto";
import {
  claimsIn,
  headerOf,
  hs256,
  isGoodAtFace,
  obtain,
  post,
  refreshPair,
  rotating,
  shared,
  SHARED_KEY,
} from "../jwt.ts";
import { isAccepted, refresh } from "../steps.ts";
import { eachWorld, type World } from "../world.ts";

/** Returns the tokens of a user's two logins, one native and one through a face. */
async function tokensOf(world: World) {
  const user = await world.user();
  return { native: await world.signIn(user), face: await obtain(world, user) };
}

async function publicKeys(world: World): Promise<readonly JsonWebKey[]> {
  return (await world.request<{ keys: JsonWebKey[] }>("GET", "/.well-known/jwks.json")).body.keys;
}

async function assertRefused(world: World, token: string, what: string): Promise<void> {
  assert.equal(await isAccepted(world, token), false, `${what}: natively`);
  assert.equal(await isGoodAtFace(world, token), false, `${what}: at a face`);
  assert.equal(
    (await post(world, "/api/token/verify/", { token })).status,
    401,
    `${what}: verified`,
  );
  assert.equal((await refreshPair(world, token)).status, 401, `${what}: refreshed at a face`);
  assert.equal(
    (await post(world, "/api/token/sliding/refresh/", { token })).status,
    401,
    `${what}: refreshed as a sliding token`,
  );
  const natively = await refresh(world, token);
  assert.ok(natively.status === 401 || natively.status === 422, `${what}: refreshed natively`);
}

eachWorld(
  "JW-06 a token under the shared key is accepted at the faces only, and a native one natively only",
  async (world) => {
    const { native, face } = await tokensOf(world);
    assert.equal(headerOf(face.access)["alg"], "HS256");
    assert.ok(await isGoodAtFace(world, face.access));
    assert.equal(await isAccepted(world, face.access), false);
    assert.ok(await isAccepted(world, native.accessToken));
    assert.equal(await isGoodAtFace(world, native.accessToken), false);
    assert.equal(
      (await post(world, "/api/token/verify/", { token: native.accessToken })).status,
      401,
    );
  },
  shared,
);

for (const [under, options] of [
  ["the server's own key", rotating],
  ["a shared key", shared],
] as const) {
  eachWorld(
    `JW-14 under ${under} a refresh token is refused as an access token and at the other interface`,
    async (world) => {
      const { native, face } = await tokensOf(world);
      for (const token of [native.refreshToken, face.refresh]) {
        assert.equal(await isAccepted(world, token), false);
        assert.equal(await isGoodAtFace(world, token), false);
      }
      assert.equal((await refresh(world, face.refresh)).status, 401);
      assert.equal((await refreshPair(world, native.refreshToken)).status, 401);
      assert.equal(
        (await post(world, "/api/token/verify/", { token: native.refreshToken })).status,
        401,
      );
      assert.equal((await refreshPair(world, face.access)).status, 401);
      assert.ok(await isAccepted(world, native.accessToken));
      assert.ok(await isGoodAtFace(world, face.access));
    },
    options,
  );

  eachWorld(
    `JW-01, JW-04 under ${under} the server's public key or an empty one signs no token, for any header (RFC 8725 §2.1)`,
    async (world) => {
      const { native, face } = await tokensOf(world);
      const keys = await publicKeys(world);
      assert.ok(keys.length > 0);
      for (const jwk of keys) {
        const key = createPublicKey({ key: jwk, format: "jwk" });
        const pem = key.export({ type: "spki", format: "pem" });
        const secrets = [
          pem,
          pem.toString().trim(),
          key.export({ type: "spki", format: "der" }),
          JSON.stringify(jwk),
          String(jwk.x),
          "",
        ];
        const kid = jwk["kid"];
        const headers = [
          { alg: "HS256", typ: "JWT" },
          { alg: "HS256", typ: "JWT", kid },
          { alg: "HS256", typ: "at+jwt", kid },
          { alg: "HS256", typ: "rt+jwt" },
        ];
        const claims = [native.accessToken, face.access, face.refresh].map(claimsIn);
        for (const [i, secret] of secrets.entries())
          for (const header of headers)
            for (const payload of claims)
              assert.deepEqual(
                [
                  await isAccepted(world, hs256(payload, secret, header)),
                  await isGoodAtFace(world, hs256(payload, secret, header)),
                  (
                    await post(world, "/api/token/verify/", {
                      token: hs256(payload, secret, header),
                    })
                  ).status,
                ],
                [false, false, 401],
                `secret ${i}, ${JSON.stringify(header)}`,
              );
      }
    },
    options,
  );
}

eachWorld(
  "JW-05, JW-06 headers other than a face's own are refused even with the right key",
  async (world) => {
    const { native, face } = await tokensOf(world);
    const [access, nativeClaims] = [claimsIn(face.access), claimsIn(native.accessToken)];
    assert.ok(await isGoodAtFace(world, hs256(access)), "what is forged here is forged well");
    const { kid } = headerOf(native.accessToken);
    const headers: Readonly<Record<string, object>> = {
      "at+jwt": { alg: "HS256", typ: "at+jwt", kid },
      "at+jwt without kid": { alg: "HS256", typ: "at+jwt" },
      "another algorithm": { alg: "HS512", typ: "JWT" },
      "the server's algorithm": { alg: "ES256", typ: "JWT", kid },
      none: { alg: "none", typ: "JWT" },
      "a kid": { alg: "HS256", typ: "JWT", kid },
      crit: { alg: "HS256", typ: "JWT", crit: ["exp"] },
      jwk: {
        alg: "HS256",
        typ: "JWT",
        jwk: { kty: "oct", k: Buffer.from(SHARED_KEY).toString("base64url") },
      },
      "no type": { alg: "HS256" },
    };
    for (const [what, header] of Object.entries(headers))
      for (const claims of [access, nativeClaims])
        await assertRefused(world, hs256(claims, SHARED_KEY, header), what);
    const unsigned = `${hs256(access, SHARED_KEY, { alg: "none", typ: "JWT" }).split(".").slice(0, 2).join(".")}.`;
    await assertRefused(world, unsigned, "unsigned");
  },
  shared,
);

eachWorld(
  "JW-07 claims other than those of a face's access token are refused even with the right key",
  async (world) => {
    const claims = claimsIn((await obtain(world, await world.user())).access);
    const now = world.clock.now();
    const odd: Readonly<Record<string, object>> = {
      "no type": { token_type: undefined },
      "another issuer": { iss: "https://evil.example" },
      "another audience": { aud: "https://evil.example" },
      "a session of no form": { sid: "1" },
      "a life too long": { exp: now + 7200 },
      "from the future": { iat: now + 60, exp: now + 120 },
      "no hard epoch": { hep: undefined },
      "an older hard epoch as text": { hep: "0" },
      expired: { iat: now - 10, exp: now },
    };
    for (const [what, change] of Object.entries(odd)) {
      const token = hs256({ ...claims, ...change });
      assert.equal(await isAccepted(world, token), false, what);
      assert.equal(await isGoodAtFace(world, token), false, what);
    }
  },
  shared,
);
