import assert from "node:assert/strict";
import { openSetup } from "../../src/accounts/users/setup.ts";
import {
  begunReset,
  begunChange,
  changed,
  confirmChangeByLink,
  finishReset,
  NEXT,
  somebody,
  undoChange,
} from "../recovery.ts";
import {
  addressOf,
  attempt,
  codeIn,
  confirm,
  isAccepted,
  latestMail,
  PASSWORD,
  refresh,
  register,
} from "../steps.ts";
import { eachWorld, publicUrl, type World } from "../world.ts";

/**
 * A place that takes one kind of token. `knock` presents a token of any kind, and `passes` tells
 * whether it was let in.
 */
interface Door {
  readonly knock: (token: string, address: string) => Promise<{ readonly status: number }>;
  readonly passes: (status: number) => boolean;
}

type Kind =
  | "registration link"
  | "reset link"
  | "change link"
  | "undo link"
  | "setup token"
  | "refresh token"
  | "device token";

/**
 * Makes a valid token of each kind, each for its own account, so that using one does not close the
 * doors of others.
 */
async function keysAndDoors(world: World): Promise<{
  readonly keys: Readonly<Record<Kind, string>>;
  readonly doors: Readonly<Record<Kind, Door>>;
}> {
  const setup = (await openSetup(world.rules)) ?? assert.fail("no setup token");
  await register(world, "new@example.com");
  const { text } = await latestMail(world, "new@example.com");
  const registration =
    new RegExp(`${publicUrl}/confirm#([\\w-]+)`).exec(text)?.[1] ?? assert.fail(text);
  const resetting = await world.user();
  const changing = await somebody(world);
  const undoing = await somebody(world);
  const signedIn = await world.user();
  const session = (await attempt(world, signedIn.email, signedIn.password)).body;
  const keys = {
    "registration link": registration,
    "reset link": (await begunReset(world, resetting)).token,
    "change link": (await begunChange(world, changing, "changed@example.com")).token,
    "undo link": await changed(world, undoing, undoing.user.email, "undone@example.com"),
    "setup token": setup,
    "refresh token": session.refreshToken,
    "device token": session.deviceToken,
  };
  const ok = (status: number): boolean => status < 300;
  const doors: Readonly<Record<Kind, Door>> = {
    "registration link": {
      knock: async (token, address) =>
        world.request("POST", "/v1/users/confirm/link", {
          body: { token, password: PASSWORD },
          address,
        }),
      passes: ok,
    },
    "reset link": {
      knock: async (token, address) => finishReset(world, { token }, NEXT, address),
      passes: ok,
    },
    "change link": {
      knock: async (token, address) =>
        confirmChangeByLink(world, token, changing.user.password, { address }),
      passes: ok,
    },
    "undo link": {
      knock: async (token, address) => undoChange(world, token, { address }),
      passes: ok,
    },
    "setup token": {
      knock: async (setupToken, address) =>
        world.request("POST", "/v1/setup", {
          body: { setupToken, email: "root@example.com", password: NEXT },
          address,
        }),
      passes: ok,
    },
    "refresh token": {
      knock: async (token, address) => refresh(world, token, { address }),
      passes: ok,
    },
    // The bearer has attempts of their own after those of the network are used up.
    "device token": {
      knock: async (deviceToken) =>
        attempt(world, signedIn.email, "wrong", { address: "203.0.113.66", deviceToken }),
      passes: (status) => status === 401,
    },
  };
  for (let i = 0; i < 20; i += 1)
    await attempt(world, signedIn.email, "wrong", { address: "203.0.113.66" });
  return { keys, doors };
}

const kinds: readonly Kind[] = [
  "registration link",
  "reset link",
  "change link",
  "undo link",
  "setup token",
  "refresh token",
  "device token",
];

eachWorld(
  "RS-05 a token of one kind is refused at every place for another, is not used up there, and uses up nothing",
  async (world) => {
    const { keys, doors } = await keysAndDoors(world);
    const state = async () =>
      JSON.stringify([
        await world.rules.db
          .selectFrom("users")
          .select(["id", "email", "password_changed_at", "hard_epoch"])
          .orderBy("number")
          .execute(),
        await world.rules.db
          .selectFrom("registrations")
          .select(["id", "tries_left", "confirmed_at"])
          .execute(),
        await world.rules.db
          .selectFrom("password_resets")
          .select(["id", "tries_left", "used_at"])
          .orderBy("id")
          .execute(),
        await world.rules.db
          .selectFrom("email_changes")
          .select(["id", "tries_left", "confirmed_at", "void_at", "undone_at"])
          .orderBy("id")
          .execute(),
        await world.rules.db
          .selectFrom("sessions")
          .select(["id", "generation", "revoked_at"])
          .orderBy("id")
          .execute(),
        await world.rules.db.selectFrom("setup_links").selectAll().execute(),
      ]);
    const before = await state();
    for (const [i, door] of kinds.entries()) {
      for (const [j, kind] of kinds.entries()) {
        if (kind === door) continue;
        const { status } = await doors[door].knock(keys[kind], addressOf(i * kinds.length + j));
        assert.ok(
          status >= 400 && status < 500 && !doors[door].passes(status),
          `${kind} at the door of ${door}: ${status}`,
        );
        assert.equal(await state(), before, `${kind} at the door of ${door}`);
      }
    }
    for (const [i, kind] of kinds.entries()) {
      const { status } = await doors[kind].knock(keys[kind], addressOf(100 + i));
      assert.ok(doors[kind].passes(status), `${kind} is still good at its own door: ${status}`);
    }
  },
);

eachWorld(
  "RS-05 JW-14 codes, client secrets and access tokens are refused as links, and a code is refused in another flow",
  async (world) => {
    const anna = await somebody(world);
    const pending = (await register(world, "new@example.com")).body;
    const registrationCode = codeIn(await latestMail(world, "new@example.com"));
    const reset = await begunReset(world, anna.user);
    const change = await begunChange(world, anna, "changed@example.com");
    for (const [i, token] of [
      pending.clientSecret,
      anna.token.slice(0, 256),
      reset.code,
      change.code,
      reset.resetId,
      change.changeId,
    ].entries()) {
      const address = addressOf(i);
      for (const refused of [
        await finishReset(world, { token }, NEXT, address),
        await confirmChangeByLink(world, token, anna.user.password, { address }),
        await undoChange(world, token, { address }),
        await world.request("POST", "/v1/users/confirm/link", {
          body: { token, password: PASSWORD },
          address,
        }),
      ])
        assert.equal(refused.body.code, "invalid_link");
      assert.equal(await isAccepted(world, token), false);
    }
    assert.equal(
      (await finishReset(world, { resetId: reset.resetId, code: change.code })).body.code,
      "invalid_code",
    );
    assert.equal(
      (await finishReset(world, { resetId: change.changeId, code: change.code })).body.code,
      "invalid_code",
    );
    const confirmed = await world.request("POST", "/v1/me/email/confirm", {
      token: anna.token,
      body: { changeId: reset.resetId, code: reset.code },
    });
    assert.equal(confirmed.body.code, "invalid_code");
    for (const code of [reset.code, change.code])
      assert.equal((await confirm(world, pending, code)).body.code, "invalid_code");
    assert.equal((await confirm(world, pending, registrationCode)).status, 201);
  },
);
