import type { endpoints } from "@portcullis/contract";
import {
  codeIn,
  latestMail,
  PASSWORD,
  register,
  tokenIn,
  type Account,
  type Pending,
} from "./steps.ts";
import type { AnswerOf, Answered, Refused, RequestOptions, World } from "./world.ts";

/** The steps of people who register. */

/** A registration as its client knows it, and the contents of its mail. */
export interface Begun extends Pending {
  readonly email: string;
  readonly code: string;
  readonly token: string;
}

export async function begin(world: World, email: string, more: object = {}): Promise<Begun> {
  const { body } = await register(world, email, more);
  return { ...body, email, ...(await mailed(world, email)) };
}

export async function mailed(world: World, email: string): Promise<Pick<Begun, "code" | "token">> {
  const mail = await latestMail(world, email);
  return { code: codeIn(mail), token: tokenIn(mail) };
}

export async function confirmByLink(
  world: World,
  token: unknown,
  password: unknown = PASSWORD,
  asked: RequestOptions = {},
): Promise<Answered<Account & Refused>> {
  return world.request<Account & Refused>("POST", "/v1/users/confirm/link", {
    ...asked,
    body: { token, password },
  });
}

export async function resend(
  world: World,
  { registrationId, clientSecret }: Pending,
  asked: RequestOptions = {},
) {
  return world.request<AnswerOf<typeof endpoints.resendRegistration, 202> & Refused>(
    "POST",
    "/v1/users/confirm/resend",
    {
      ...asked,
      body: { registrationId, clientSecret },
    },
  );
}

/** Returns `pending`, `confirmed`, or the code of the refusal. */
export async function stateOf(
  world: World,
  { registrationId, clientSecret }: Pending,
): Promise<string> {
  const { body } = await world.request<AnswerOf<typeof endpoints.getRegistration> & Refused>(
    "POST",
    "/v1/users/confirm/status",
    {
      body: { registrationId, clientSecret },
    },
  );
  return body.state ?? body.code;
}
