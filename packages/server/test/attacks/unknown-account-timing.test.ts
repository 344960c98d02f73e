import assert from "node:assert/strict";
import { systemRandom } from "../../src/platform/kernel/random.ts";
import { addressOf } from "../steps.ts";
import { eachWorld, type World } from "../world.ts";

/** A way to fail at sign-in. `identifier` is a new account, or a new unknown name, each time. */
interface Class {
  readonly name: string;
  readonly password: string;
  readonly identifier: () => Promise<string>;
}

const WRONG = "quite another password";

function classesOf(world: World): readonly Class[] {
  const nobody = (): string => `nobody-${systemRandom.bytes(4).toString("hex")}`;
  const account = async (
    changes: {
      readonly disabled_at?: number;
      readonly email_verified_at?: null;
      readonly password_sealed?: null;
    } = {},
  ): Promise<string> => {
    const { id, email } = await world.user();
    if (Object.keys(changes).length > 0)
      await world.rules.db.updateTable("users").set(changes).where("id", "=", id).execute();
    return email;
  };
  const right = "seven quiet herons";
  return [
    { name: "unknown address", password: WRONG, identifier: async () => `${nobody()}@example.com` },
    { name: "unknown username", password: WRONG, identifier: async () => nobody() },
    {
      name: "no possible address",
      password: WRONG,
      identifier: async () => `${nobody()}@@example..com`,
    },
    {
      name: "no possible username",
      password: WRONG,
      identifier: async () => `${nobody()} \u{1f9ff}`,
    },
    { name: "wrong password", password: WRONG, identifier: async () => account() },
    {
      name: "wrong password, by username",
      password: WRONG,
      identifier: async () => (await world.user({ username: nobody() })).username ?? "",
    },
    {
      name: "no password at all",
      password: right,
      identifier: async () => account({ password_sealed: null }),
    },
    {
      name: "disabled, wrong password",
      password: WRONG,
      identifier: async () => account({ disabled_at: 1 }),
    },
    {
      name: "disabled, right password",
      password: right,
      identifier: async () => account({ disabled_at: 1 }),
    },
    {
      name: "unverified, wrong password",
      password: WRONG,
      identifier: async () => account({ email_verified_at: null }),
    },
    {
      name: "unverified, right password",
      password: right,
      identifier: async () => account({ email_verified_at: null }),
    },
    {
      name: "known, impossible password",
      password: "a\u0007b".repeat(300),
      identifier: async () => account(),
    },
    {
      name: "unknown, impossible password",
      password: "a\u0007b".repeat(300),
      identifier: async () => `${nobody()}@example.com`,
    },
  ];
}

eachWorld(
  "EN-01 all users who cannot sign in get the same answer, byte for byte, for every reason",
  async (world) => {
    const told = new Map<string, string[]>();
    for (const [n, { name, password, identifier }] of classesOf(world).entries()) {
      const answered = await world.request("POST", "/v1/sessions", {
        body: { identifier: await identifier(), password },
        address: addressOf(n),
      });
      assert.equal(answered.body.code, "invalid_credentials");
      const requestId = answered.headers.get("x-request-id") ?? "";
      const bytes = [
        `${answered.status}`,
        ...[...answered.headers].map(([header, value]) => `${header}: ${value}`),
        answered.text,
      ]
        .join("\n")
        .replaceAll(requestId, "<id>");
      told.set(bytes, [...(told.get(bytes) ?? []), name]);
    }
    assert.equal(told.size, 1, JSON.stringify([...told]));
  },
);

eachWorld(
  "EN-02 every reason costs the same number of hashes and database statements, try after try",
  async (world) => {
    const costs = new Map<string, string[]>();
    for (const [n, { name, password, identifier }] of classesOf(world).entries()) {
      const asked = { body: { identifier: await identifier(), password }, address: addressOf(n) };
      const tries: string[] = [];
      for (let attempt = 1; attempt <= 6; attempt += 1) tries.push(await costOf(world, asked));
      costs.set(tries.join(" | "), [...(costs.get(tries.join(" | ")) ?? []), name]);
    }
    assert.equal(costs.size, 1, JSON.stringify([...costs], undefined, 1));
  },
);

eachWorld(
  "EN-02 the first try of an account costs as much as that of an unknown name, even from a busy network",
  async (world) => {
    const costs = new Map<string, string[]>();
    const classes = classesOf(world);
    const stranger = classes[0];
    assert.ok(stranger !== undefined);
    for (const busy of [0, 2, 5]) {
      for (const [n, { name, password, identifier }] of classes.entries()) {
        const address = addressOf(busy * 50 + n);
        for (let noise = 0; noise < busy; noise += 1)
          await world.request("POST", "/v1/sessions", {
            body: { identifier: await stranger.identifier(), password: WRONG },
            address,
          });
        const cost = await costOf(world, {
          body: { identifier: await identifier(), password },
          address,
        });
        costs.set(cost, [...(costs.get(cost) ?? []), `${name} after ${busy}`]);
      }
    }
    assert.equal(costs.size, 1, JSON.stringify([...costs], undefined, 1));
  },
);

async function costOf(
  world: World,
  asked: { readonly body: object; readonly address: string },
): Promise<string> {
  const before = { hashes: world.rules.hasher.figures().evaluations, statements: world.queries() };
  const { status } = await world.request("POST", "/v1/sessions", asked);
  assert.equal(status, 401);
  return `${world.rules.hasher.figures().evaluations - before.hashes} hash, ${world.queries() - before.statements} statements`;
}
