import assert from "node:assert/strict";
import type { Answered, RequestOptions, World } from "../../../../test/world.ts";

/** The calls of the tutorial's front end, in one line each. */

export type Said = Readonly<Record<string, unknown>>;

export const PASSWORD = "Correct-Horse-7";
export const UNDECODABLE = { detail: "Error decoding signature." };
export const NO_LOGIN = { non_field_errors: ["Unable to log in with provided credentials."] };

/** The paths of each stage of the tutorial. */
export const finished = {
  login: "/api/user/login/",
  refresh: "/api/user/login/refresh/",
  view: "/api/user/view/",
  create: "/api/user/create/",
};
export const djoser = {
  login: "/api/jwt/create/",
  refresh: "/api/jwt/refresh/",
  view: "/api/me/",
  create: "/api/users/create/",
};
export async function post(
  world: World,
  path: string,
  body: object,
  token?: string,
  asked: RequestOptions = {},
): Promise<Answered<Said>> {
  return world.request<Said>("POST", path, { ...asked, body, headers: bearing(token) });
}

export function bearing(token: string | undefined, word = "JWT"): Readonly<Record<string, string>> {
  return token === undefined ? {} : { authorization: `${word} ${token}` };
}

export async function see(
  world: World,
  token: string,
  path = finished.view,
): Promise<Answered<Said>> {
  return world.request<Said>("GET", path, { headers: bearing(token) });
}

export async function logIn(
  world: World,
  email: string,
  { password = PASSWORD, path = finished.login } = {},
): Promise<string> {
  const answered = await post(world, path, { email, password });
  assert.equal(answered.status, 200, answered.text);
  return String(answered.body["token"]);
}
