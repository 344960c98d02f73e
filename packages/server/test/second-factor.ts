import assert from "node:assert/strict";
import type { endpoints, Proof } from "@portcullis/contract";
import { generateSync } from "otplib";
import { attempt } from "./steps.ts";
import type { AnswerOf, Answered, Refused, RequestOptions, TestUser, World } from "./world.ts";

/**
 * The steps of people with second factors, in one line each. Codes come from otplib, which the
 * server does not use.
 */

export type Challenge = AnswerOf<typeof endpoints.signIn, 202>;
export type SecondStepAnswer = AnswerOf<typeof endpoints.answerChallenge, 201> & Refused;
export type Tokens = AnswerOf<typeof endpoints.stepUp>;

/** Returns the code that an authenticator app shows `steps` half minutes from now. */
export function totpCode(world: World, secret: string, steps = 0): string {
  return generateSync({ secret, epoch: world.clock.now() + 30 * steps });
}

export interface Enrolled {
  /** The secret in Base32. */
  readonly secret: string;
  readonly id: string;
  /** The tokens of the session that enrolled, which continues under a new id. */
  readonly tokens: Tokens;
  readonly recoveryCodes: readonly string[];
}

/** Sets up an authenticator app from within a new session, and moves the clock to the next code. */
export async function enrolTotp(world: World, user: TestUser): Promise<Enrolled> {
  const { accessToken: token } = await world.signIn(user);
  const begun = await world.request<AnswerOf<typeof endpoints.startTotp, 201>>(
    "POST",
    "/v1/me/factors/totp",
    { token, body: {} },
  );
  assert.equal(begun.status, 201, begun.text);
  const { id, secret } = begun.body;
  const path = `/v1/me/factors/totp/${id}/confirm`;
  const body = { code: totpCode(world, secret) };
  const confirmed = await world.request<AnswerOf<typeof endpoints.confirmTotp>>("POST", path, {
    token,
    body,
  });
  assert.equal(confirmed.status, 200, confirmed.text);
  world.clock.advance(30);
  const { tokens, recoveryCodes } = confirmed.body;
  return {
    secret,
    id,
    tokens: { ...tokens, recoveryCodesLeft: null },
    recoveryCodes: recoveryCodes ?? [],
  };
}

/** Sends the right password and expects the challenge for the second step. */
export async function challenge(
  world: World,
  user: TestUser,
  asked: RequestOptions = {},
): Promise<Challenge> {
  const answered: Answered<unknown> = await attempt(world, user.email, user.password, asked);
  assert.equal(answered.status, 202, answered.text);
  return answered.body as Challenge;
}

export async function answerChallenge(
  world: World,
  { challengeId, challengeSecret }: Pick<Challenge, "challengeId" | "challengeSecret">,
  proof: Proof,
  asked: RequestOptions & { readonly rememberDevice?: boolean } = {},
): Promise<Answered<SecondStepAnswer>> {
  const { rememberDevice, ...options } = asked;
  const body = {
    challengeSecret,
    ...proof,
    ...(rememberDevice !== undefined && { rememberDevice }),
  };
  return world.request<SecondStepAnswer>("POST", `/v1/challenges/${challengeId}`, {
    ...options,
    body,
  });
}

/** Signs in with both steps. */
export async function signInWithTotp(
  world: World,
  user: TestUser,
  secret: string,
): Promise<SecondStepAnswer> {
  const answered = await answerChallenge(world, await challenge(world, user), {
    factor: "totp",
    code: totpCode(world, secret),
  });
  assert.equal(answered.status, 201, answered.text);
  return answered.body;
}

export async function stepUp(
  world: World,
  token: string,
  body: object,
): Promise<Answered<Tokens & Refused>> {
  return world.request<Tokens & Refused>("POST", "/v1/step-up", { token, body });
}
