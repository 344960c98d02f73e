import { transact } from "../src/platform/db/transact.ts";
import assert from "node:assert/strict";
import { insertUser } from "../src/accounts/users/users.store.ts";
import type { Pair, Said } from "./jwt.ts";
import { mailsTo, PASSWORD } from "./steps.ts";
import type { Answered, RequestOptions, TestUser, World } from "./world.ts";

/** The calls of a front end for Djoser, in one line each. */

const FRONTEND = "https://app.example.com";
export const djoser = {
  PORTCULLIS_LOGIN_FIELD: "username",
  PORTCULLIS_USERNAMES: "django",
  PORTCULLIS_SIMPLEJWT_ROTATE_REFRESH_TOKENS: "on",
  PORTCULLIS_FRONTEND_URL: FRONTEND,
} as const;
export const activating = { ...djoser, PORTCULLIS_DJOSER_SEND_ACTIVATION_EMAIL: "on" } as const;
export const byToken = { ...djoser, PORTCULLIS_DJOSER_TOKEN_LOGIN: "on" } as const;
export const byEmail = { ...activating, PORTCULLIS_LOGIN_FIELD: "email" } as const;

export const NEXT = "nine grey geese fly";

/** @param path the path below `/auth/` */
export async function call<Body = Said>(
  world: World,
  method: string,
  path: string,
  body?: unknown,
  asked: RequestOptions = {},
): Promise<Answered<Body>> {
  return world.request<Body>(method, `/auth/${path}`, {
    ...asked,
    ...(body !== undefined && { body }),
  });
}

export async function logIn(
  world: World,
  username: string,
  password = PASSWORD,
  field = "username",
): Promise<Answered<Pair & Said>> {
  return call<Pair & Said>(world, "POST", "jwt/create/", { [field]: username, password });
}

export async function loggedIn(
  world: World,
  username: string,
  password = PASSWORD,
  field = "username",
): Promise<Pair> {
  const answered = await logIn(world, username, password, field);
  assert.equal(answered.status, 200, answered.text);
  return answered.body;
}

export async function signUp(
  world: World,
  username: string,
  email = `${username}@example.com`,
): Promise<Answered<Said>> {
  return call(world, "POST", "users/", { username, email, password: PASSWORD });
}

/** Creates a confirmed user with a username, and returns their number, too. */
export async function user(
  world: World,
  username: string,
  more: { readonly superuser?: boolean } = {},
) {
  const made = await world.user({ username, email: `${username}@example.com`, ...more });
  return { ...made, username, number: await numberOf(world, made) };
}

async function numberOf(world: World, { id }: Pick<TestUser, "id">): Promise<number> {
  return (
    await world.rules.db
      .selectFrom("users")
      .select("number")
      .where("id", "=", id)
      .executeTakeFirstOrThrow()
  ).number;
}

export async function rowOf(world: World, username: string) {
  return world.rules.db
    .selectFrom("users")
    .selectAll()
    .where("username", "=", username)
    .executeTakeFirstOrThrow();
}

export async function me(world: World, token: string): Promise<Answered<Said>> {
  return call(world, "GET", "users/me/", undefined, { token });
}

export const withToken = (token: string): RequestOptions => ({
  headers: { authorization: `Token ${token}` },
});

interface Link {
  readonly uid: string;
  readonly token: string;
}

/** Returns the link of the newest mail to an address that has one. */
export async function mailedLink(world: World, email: string): Promise<Link> {
  const [link] = await mailedLinks(world, email);
  assert.ok(link, `no link was mailed to ${email}`);
  return link;
}

/** Returns the links, newest first. */
export async function mailedLinks(world: World, email: string): Promise<readonly Link[]> {
  return (await mailsTo(world, email)).flatMap(({ text }) => {
    const [, uid, token] =
      new RegExp(`^ {4}${FRONTEND}/#/\\S+/([^/\\s]+)/([^/\\s]+)$`, "m").exec(text) ?? [];
    return uid === undefined || token === undefined ? [] : [{ uid, token }];
  });
}

export async function askFor(
  world: World,
  what: "password" | "username" | "email",
  email: string,
): Promise<Link> {
  const answered = await call(world, "POST", `users/reset_${what}/`, { email });
  assert.equal(answered.status, 204, answered.text);
  return mailedLink(world, email);
}

export async function activate(world: World, link: object): Promise<Answered<Said>> {
  return call(world, "POST", "users/activation/", link);
}

export async function reset(
  world: World,
  link: object,
  newPassword = NEXT,
): Promise<Answered<Said>> {
  return call(world, "POST", "users/reset_password_confirm/", {
    ...link,
    new_password: newPassword,
  });
}

export async function resetUsername(
  world: World,
  link: object,
  newUsername: string,
): Promise<Answered<Said>> {
  return call(world, "POST", "users/reset_username_confirm/", {
    ...link,
    new_username: newUsername,
  });
}

/** Inserts users without a password into the store. */
export async function crowd(world: World, size: number): Promise<void> {
  await transact(world.rules, async (tx) => {
    for (let index = 0; index < size; index += 1) {
      const name = `crowd${index}`;
      await insertUser(tx, {
        id: `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
        email: null,
        emailCanonical: null,
        emailVerifiedAt: null,
        username: name,
        usernameCanonical: name,
        passwordSealed: null,
        superuserSince: null,
        profile: {},
        locale: null,
        createdAt: world.clock.now(),
      });
    }
  });
}
