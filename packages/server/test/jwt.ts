import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import type { Answered, RequestOptions, TestUser, World } from "./world.ts";

/** The calls of a front end for SimpleJWT, in one line each. */

export interface Said {
  readonly detail?: string;
  readonly code?: string;
  readonly [member: string]: unknown;
}

export interface Pair {
  readonly access: string;
  readonly refresh: string;
}

/** Signs tokens in tests as Django and other services that share the key do. */
export const SHARED_KEY = "a key that other services share, 0123456789";
export const rotating = { PORTCULLIS_SIMPLEJWT_ROTATE_REFRESH_TOKENS: "on" } as const;
export const shared = { ...rotating, PORTCULLIS_SIMPLEJWT_SIGNING_KEY: SHARED_KEY } as const;

export async function post<Body = Said>(
  world: World,
  path: string,
  body: object,
  asked: RequestOptions = {},
): Promise<Answered<Body>> {
  return world.request<Body>("POST", path, { ...asked, body });
}

export async function obtain(
  world: World,
  { email, password }: Pick<TestUser, "email" | "password">,
): Promise<Pair> {
  const answered = await post<Pair>(world, "/api/token/", { email, password });
  assert.equal(answered.status, 200, answered.text);
  return answered.body;
}

export async function refreshPair(world: World, refresh: string): Promise<Answered<Pair & Said>> {
  return post<Pair & Said>(world, "/api/token/refresh/", { refresh });
}

/**
 * Returns 405 while the token is valid at a face, because the path needs a token and has no GET.
 */
export async function statusAtFace(world: World, token: string): Promise<number> {
  return (await world.request("GET", "/logout_token/", { token })).status;
}

export async function complaint(world: World, token: string): Promise<Said> {
  return (await world.request<Said>("GET", "/logout_token/", { token })).body;
}

export const isGoodAtFace = async (world: World, token: string): Promise<boolean> =>
  (await statusAtFace(world, token)) === 405;

export function claimsIn(token: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<
    string,
    unknown
  >;
}

export function headerOf(token: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()) as Record<
    string,
    unknown
  >;
}

export function hs256(
  claims: object,
  key: string | Uint8Array = SHARED_KEY,
  header: object = { alg: "HS256", typ: "JWT" },
): string {
  const input = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${input}.${createHmac("sha256", key).update(input).digest("base64url")}`;
}
