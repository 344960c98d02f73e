import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import { createRevocationView, createKeySet, createVerifier } from "@portcullis/verifier";
import { openSetup } from "../../src/accounts/users/setup.ts";
import {
  attempt,
  codeIn,
  confirm,
  isAccepted,
  latestMail,
  refresh,
  register,
  type Account,
} from "../steps.ts";
import { eachWorld, publicUrl, type AnswerOf } from "../world.ts";

eachWorld(
  "the first hour: a superuser by the setup link, a user by a mailed code, an API that checks their token, a logout",
  async (world) => {
    // The operator opens the link that the first start printed.
    const setupToken = await openSetup(world.rules);
    const root = await world.request<Account>("POST", "/v1/setup", {
      body: { setupToken, email: "root@example.com", password: "seven quiet herons" },
    });
    assert.deepEqual([root.status, root.body.superuser], [201, true]);

    // Somebody registers in the app and types in the code from the mail.
    const pending = await register(world, "anna@example.com", {
      password: "nine grey geese fly",
      profile: { displayName: "Anna" },
    });
    assert.equal(
      (await attempt(world, "anna@example.com", "nine grey geese fly")).status,
      401,
      "not before the address is confirmed",
    );
    const mail = await latestMail(world, "anna@example.com");
    assert.equal(mail.subject, "Your code for Portcullis");
    const account = await confirm(world, pending.body, codeIn(mail));
    assert.deepEqual([account.status, account.body.superuser], [201, false]);

    // They sign in; the app shows who they are and keeps what they change.
    const session = (await attempt(world, "anna@example.com", "nine grey geese fly")).body;
    const me = await world.request<Account>("GET", "/v1/me", { token: session.accessToken });
    assert.deepEqual(
      [me.body.email, me.body.profile, me.body.lastLoginAt],
      ["anna@example.com", { displayName: "Anna" }, world.clock.now()],
    );
    const changed = await world.request<Account>("PATCH", "/v1/me", {
      token: session.accessToken,
      body: { profile: { locale: "de" } },
    });
    assert.deepEqual(changed.body.profile, { displayName: "Anna", locale: "de" });
    assert.equal(
      (await world.request("GET", "/v1/admin/users", { token: session.accessToken })).body.code,
      "forbidden",
    );

    // An API next door checks the token with the published keys alone.
    const { body: published } = await world.request<AnswerOf<typeof endpoints.getKeys>>(
      "GET",
      "/.well-known/jwks.json",
    );
    const keys = createKeySet();
    keys.replace(published.keys.map((jwk) => ({ kid: jwk["kid"] ?? "", alg: "ES256", jwk })));
    const view = createRevocationView();
    view.markFresh(
      {
        monotonicMilliseconds: world.clock.monotonicMilliseconds(),
        wallMilliseconds: world.clock.wallMilliseconds(),
      },
      10,
    );
    const verifier = createVerifier({
      issuer: publicUrl,
      audience: publicUrl,
      keys,
      view,
      clock: world.clock,
      maxLifetimeSeconds: 3600,
    });
    const verified = verifier.verify(session.accessToken);
    assert.ok(verified.kind === "verified" && verified.claims.sub === account.body.id);

    // Ten minutes later the app refreshes; at the end of the day they log out, and both tokens are
    // worth nothing.
    world.clock.advance(605);
    assert.equal(
      (await world.request("GET", "/v1/me", { token: session.accessToken })).body.code,
      "token_expired",
    );
    const later = (await refresh(world, session.refreshToken)).body;
    assert.ok(await isAccepted(world, later.accessToken));
    assert.equal(
      (await world.request("DELETE", "/v1/sessions/current", { token: later.accessToken })).status,
      204,
    );
    assert.equal(await isAccepted(world, later.accessToken), false);
    assert.equal((await refresh(world, later.refreshToken)).body["cause"], "logout");
  },
);
