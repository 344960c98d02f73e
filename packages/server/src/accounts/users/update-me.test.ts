import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { eventsOf, par, register, statuses, type Account } from "../../../test/steps.ts";
import { eachWorld, type Refused, type World } from "../../../test/world.ts";

const patch = async (world: World, token: string, profile: object) =>
  world.request<Account & { readonly errors?: readonly { readonly path: string }[] }>(
    "PATCH",
    "/v1/me",
    { token, body: { profile } },
  );

eachWorld(
  "a profile is merged into the stored one: what is null goes, what is not named stays",
  async (world) => {
    const { accessToken: token } = await world.signIn(await world.user());
    await patch(world, token, { displayName: "Anna", locale: "de" });
    const merged = await patch(world, token, { locale: null, timezone: "Europe/Zurich" });
    assert.deepEqual(
      [merged.status, merged.body.profile],
      [200, { displayName: "Anna", timezone: "Europe/Zurich" }],
    );
    const me = await world.request<Account>("GET", "/v1/me", { token });
    assert.deepEqual(me.body.profile, merged.body.profile);
    assert.equal((await eventsOf(world)).filter((event) => event === "user.updated").length, 2);
  },
);

eachWorld(
  "a profile that the schema does not accept is refused with the place, and the stored one stays",
  async (world) => {
    const { accessToken: token } = await world.signIn(await world.user());
    await patch(world, token, { displayName: "Anna" });
    const refused = await patch(world, token, { displayName: 7 });
    assert.deepEqual(
      [refused.status, refused.body.errors?.map((error) => error.path)],
      [422, ["/profile/displayName"]],
    );
    assert.equal((await patch(world, token, { nickname: "x" })).status, 422);
    assert.deepEqual((await world.request<Account>("GET", "/v1/me", { token })).body.profile, {
      displayName: "Anna",
    });
  },
);

eachWorld("two changes of one profile at once lose nothing", async (world) => {
  const { accessToken: token } = await world.signIn(await world.user());
  const changes = [{ displayName: "Anna" }, { locale: "de" }, { timezone: "Europe/Zurich" }];
  assert.deepEqual(statuses(await par(3, async (i) => patch(world, token, changes[i] ?? {}))), {
    200: 3,
  });
  assert.deepEqual((await world.request<Account>("GET", "/v1/me", { token })).body.profile, {
    displayName: "Anna",
    locale: "de",
    timezone: "Europe/Zurich",
  });
});

eachWorld(
  "the language of mail is changed, and given back to the operator, beside the profile or alone",
  async (world) => {
    const { accessToken: token } = await world.signIn(await world.user());
    const change = async (body: object) =>
      world.request<Account & Refused>("PATCH", "/v1/me", { token, body });
    assert.equal((await world.request<Account>("GET", "/v1/me", { token })).body.locale, null);
    const both = await change({ locale: "de-CH", profile: { displayName: "Anna" } });
    assert.deepEqual(
      [both.status, both.body.locale, both.body.profile],
      [200, "de-CH", { displayName: "Anna" }],
    );
    assert.equal((await change({ profile: { timezone: "Europe/Zurich" } })).body.locale, "de-CH");
    const back = await change({ locale: null });
    assert.deepEqual(
      [back.body.locale, back.body.profile],
      [null, { displayName: "Anna", timezone: "Europe/Zurich" }],
    );
    assert.equal((await world.request<Account>("GET", "/v1/me", { token })).body.locale, null);
  },
);

eachWorld("a change that names nothing, or no language, is refused", async (world) => {
  const { accessToken: token } = await world.signIn(await world.user());
  const change = async (body: object) => world.request("PATCH", "/v1/me", { token, body });
  for (const body of [
    {},
    { locale: "" },
    { locale: "german please" },
    { locale: "de\r\nBcc: x" },
    { locale: "<b>" },
    { locale: 7 },
    { locale: ["de"] },
  ]) {
    const refused = await change(body);
    assert.deepEqual(
      [refused.status, refused.body.code],
      [422, "invalid_input"],
      JSON.stringify(body),
    );
  }
  assert.deepEqual((await change({})).body["errors"], [
    { path: "", message: "must have profile, locale or both" },
  ]);
  assert.equal((await eventsOf(world)).includes("user.updated"), false);
});

const folder = mkdtempSync(join(tmpdir(), "portcullis-schema-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const schemaFile = join(folder, "profile.json");
writeFileSync(
  schemaFile,
  JSON.stringify({
    type: "object",
    properties: { company: { type: "string" }, seats: { type: "integer", minimum: 1 } },
    required: ["company"],
    additionalProperties: false,
  }),
);

eachWorld(
  "the operator's schema is what a profile must satisfy, at registration and after every change",
  async (world) => {
    const answers = [];
    for (const profile of [
      undefined,
      {},
      { company: 7 },
      { company: "Bell", seats: 0 },
      { company: "Bell", role: "admin" },
      { company: "Bell", seats: 3 },
    ]) {
      answers.push((await register(world, "anna@example.com", { profile })).status);
    }
    assert.deepEqual(answers, [422, 422, 422, 422, 422, 201]);
    const tokens = await world.signIn({
      id: "",
      email: "anna@example.com",
      username: null,
      password: "seven quiet herons",
    });
    assert.equal(
      (await patch(world, tokens.accessToken, { company: null })).status,
      422,
      "what is required cannot be removed",
    );
    assert.deepEqual((await patch(world, tokens.accessToken, { seats: 4 })).body.profile, {
      company: "Bell",
      seats: 4,
    });
  },
  { PORTCULLIS_REGISTRATION: "immediate", PORTCULLIS_PROFILE_SCHEMA: schemaFile },
);
