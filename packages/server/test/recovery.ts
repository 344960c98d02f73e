import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import type { Message } from "../src/records/mail/message.ts";
import { codeIn, mailsTo } from "./steps.ts";
import {
  publicUrl,
  type AnswerOf,
  type Answered,
  type Refused,
  type RequestOptions,
  type TestUser,
  type World,
} from "./world.ts";

/** The steps of people who have forgotten a password or change their address. */

export const NEXT = "nine grey geese fly";

/** The code and the link token of a mail. */
export interface Mailed {
  readonly code: string;
  readonly token: string;
}

type LinkPath = "/reset" | "/email" | "/undo";

/** Finds the newest mail to an address with a link to this page, and the token in it. */
export async function linkTo(
  world: World,
  email: string,
  path: LinkPath,
): Promise<{ readonly mail: Message; readonly token: string }> {
  const link = new RegExp(`${publicUrl}${path}#([\\w-]+)`);
  const mail = (await mailsTo(world, email)).find(({ text }) => link.test(text));
  assert.ok(mail, `no mail to ${email} with a link to ${path}`);
  return { mail, token: link.exec(mail.text)?.[1] ?? "" };
}

export async function mailedTo(
  world: World,
  email: string,
  path: "/reset" | "/email",
): Promise<Mailed> {
  const { mail, token } = await linkTo(world, email, path);
  return { code: codeIn(mail), token };
}

export type StartedReset = AnswerOf<typeof endpoints.startPasswordReset, 202>;

export async function startReset(
  world: World,
  email: unknown,
  address = "192.0.2.1",
): Promise<Answered<StartedReset & Refused>> {
  return world.request("POST", "/v1/password-resets", { body: { email }, address });
}

/** Begins a reset and reads its mail. */
export async function begunReset(
  world: World,
  user: Pick<TestUser, "email">,
): Promise<Mailed & { readonly resetId: string }> {
  const { resetId } = (await startReset(world, user.email)).body;
  return { resetId, ...(await mailedTo(world, user.email, "/reset")) };
}

export async function finishReset(
  world: World,
  proof: object,
  newPassword = NEXT,
  address = "192.0.2.1",
): Promise<Answered<Refused>> {
  return world.request("POST", "/v1/password-resets/confirm", {
    body: { ...proof, newPassword },
    address,
  });
}

export type StartedChange = AnswerOf<typeof endpoints.changeEmail, 202>;
type Account = AnswerOf<typeof endpoints.confirmEmailChange>;

/** A user with a session. */
export interface Somebody {
  readonly user: TestUser;
  readonly token: string;
}

export async function somebody(
  world: World,
  options: Parameters<World["user"]>[0] = {},
): Promise<Somebody> {
  const user = await world.user(options);
  return { user, token: (await world.signIn(user)).accessToken };
}

export async function startChange(
  world: World,
  { user, token }: Somebody,
  newEmail: unknown,
  more: RequestOptions & { readonly password?: string } = {},
): Promise<Answered<StartedChange & Refused>> {
  const { password = user.password, ...asked } = more;
  return world.request("POST", "/v1/me/email", { token, body: { newEmail, password }, ...asked });
}

/** Begins a change of address and reads the mail to the new address. */
export async function begunChange(
  world: World,
  whose: Somebody,
  newEmail: string,
): Promise<Mailed & { readonly changeId: string }> {
  const { changeId } = (await startChange(world, whose, newEmail)).body;
  return { changeId, ...(await mailedTo(world, newEmail, "/email")) };
}

export async function confirmChange(
  world: World,
  token: string,
  proof: object,
): Promise<Answered<Account & Refused>> {
  return world.request("POST", "/v1/me/email/confirm", { token, body: proof });
}

export async function confirmChangeByLink(
  world: World,
  token: string,
  password: string,
  asked: RequestOptions = {},
): Promise<Answered<Refused>> {
  return world.request("POST", "/v1/email-changes/confirm", {
    body: { token, password },
    ...asked,
  });
}

/**
 * Changes the address and confirms it with the code. Returns the token of the undo link that was
 * mailed to the old address.
 */
export async function changed(
  world: World,
  whose: Somebody,
  from: string,
  to: string,
): Promise<string> {
  const { changeId, code } = await begunChange(world, whose, to);
  const confirmed = await confirmChange(world, whose.token, { changeId, code });
  assert.equal(confirmed.status, 200, confirmed.text);
  return (await linkTo(world, from, "/undo")).token;
}

export async function undoChange(
  world: World,
  token: string,
  asked: RequestOptions = {},
): Promise<Answered<Refused>> {
  return world.request("POST", "/v1/email-changes/undo", { body: { token }, ...asked });
}

/** Returns the address, whether it is confirmed, and the username. */
export async function namesOf(world: World, { id }: TestUser) {
  return world.rules.db
    .selectFrom("users")
    .select(["email", "email_verified_at", "username"])
    .where("id", "=", id)
    .executeTakeFirst();
}
