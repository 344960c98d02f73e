import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import { createAuthenticator, type Authenticator, type Made, type Wrong } from "./authenticator.ts";
import {
  publicUrl,
  type AnswerOf,
  type Answered,
  type Refused,
  type RequestOptions,
  type TestUser,
  type World,
} from "./world.ts";

/** The steps of people with passkeys, in one line each. */

export type Begun = AnswerOf<typeof endpoints.startPasskey, 201>;
export type Added = AnswerOf<typeof endpoints.addPasskey, 201>;
export type Entered = AnswerOf<typeof endpoints.signInWithPasskey, 201>;

/** Creates an authenticator at the page of the test world. */
export function newAuthenticator(made: Partial<Made> = {}): Authenticator {
  return createAuthenticator({ origin: publicUrl, domain: new URL(publicUrl).hostname, ...made });
}

export async function start(world: World, token: string): Promise<Begun> {
  const begun = await world.request<Begun>("POST", "/v1/me/factors/passkeys/start", { token });
  assert.equal(begun.status, 201, begun.text);
  return begun.body;
}

export async function add(
  world: World,
  token: string,
  body: object,
): Promise<Answered<Added & Refused>> {
  return world.request<Added & Refused>("POST", "/v1/me/factors/passkeys", { token, body });
}

/** Registers a passkey from within a session that may add one. */
export async function addPasskey(
  world: World,
  token: string,
  authenticator: Authenticator,
  wrong: Wrong = {},
): Promise<Answered<Added & Refused>> {
  const { ceremonyId, options } = await start(world, token);
  return add(world, token, { ceremonyId, credential: authenticator.create(options, wrong) });
}

/** Registers a user's first passkey from within a session of its own. */
export async function enrolPasskey(
  world: World,
  user: TestUser,
  authenticator: Authenticator,
): Promise<Added> {
  const { accessToken } = await world.signIn(user);
  const added = await addPasskey(world, accessToken, authenticator);
  assert.equal(added.status, 201, added.text);
  return added.body;
}

export async function startSignIn(world: World, asked: RequestOptions = {}): Promise<Begun> {
  const begun = await world.request<Begun>("POST", "/v1/sessions/passkey/start", asked);
  assert.equal(begun.status, 201, begun.text);
  return begun.body;
}

export async function finishSignIn(
  world: World,
  body: object,
  asked: RequestOptions = {},
): Promise<Answered<Entered & Refused>> {
  return world.request<Entered & Refused>("POST", "/v1/sessions/passkey", { ...asked, body });
}

/** Signs in with a passkey alone. */
export async function enter(
  world: World,
  authenticator: Authenticator,
  wrong: Wrong = {},
): Promise<Answered<Entered & Refused>> {
  const { ceremonyId, options } = await startSignIn(world);
  return finishSignIn(world, { ceremonyId, credential: authenticator.get(options, wrong) });
}

/** Begins the ceremony of a sign-in's second step. */
export async function prepare(
  world: World,
  {
    challengeId,
    challengeSecret,
  }: { readonly challengeId: string; readonly challengeSecret: string },
): Promise<Begun> {
  const body = { challengeSecret, factor: "passkey" };
  const prepared = await world.request<Begun>("POST", `/v1/challenges/${challengeId}/prepare`, {
    body,
  });
  assert.equal(prepared.status, 200, prepared.text);
  return prepared.body;
}

/** Begins the ceremony of a step-up. */
export async function prepareStepUp(world: World, token: string): Promise<Begun> {
  const prepared = await world.request<Begun>("POST", "/v1/step-up/prepare", {
    token,
    body: { factor: "passkey" },
  });
  assert.equal(prepared.status, 200, prepared.text);
  return prepared.body;
}
