import { lockUser, type User } from "../src/accounts/users/users.store.ts";
import type { Tx } from "../src/platform/db/open.ts";
import type { Held } from "../src/platform/db/held.ts";
import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import { sql } from "kysely";
import { composeApp, composeRules, type Parts } from "../src/process/compose.ts";
import type { Rules } from "../src/process/rules.ts";
import type { Message } from "../src/records/mail/message.ts";
import { createHmac } from "node:crypto";
import {
  publicUrl,
  webhookSecret,
  type AnswerOf,
  type Answered,
  type Refused,
  type RequestOptions,
  type World,
} from "./world.ts";

/** The steps of people who use a server, in one line each. */

export const PASSWORD = "seven quiet herons";

export type Account = AnswerOf<typeof endpoints.getMe>;
export type Pending = AnswerOf<typeof endpoints.registerUser, 202>;

/** Runs `n` calls that are released together. */
export async function par<Result>(
  n: number,
  run: (index: number) => Promise<Result>,
): Promise<readonly Result[]> {
  return Promise.all(Array.from({ length: n }, async (_, index) => run(index)));
}

/** Counts the answers by status. */
export function statuses(
  answers: readonly { readonly status: number }[],
): Readonly<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/**
 * Returns documentation and benchmarking addresses (RFC 5737, RFC 2544). Up to 512, each is in a
 * /24 of its own.
 */
export function addressOf(index: number): string {
  return `198.${18 + Math.floor(index / 256)}.${index % 256}.${1 + (index % 200)}`;
}

export async function register(
  world: World,
  email: string,
  more: object = {},
  asked: RequestOptions = {},
): Promise<Answered<Pending & Refused>> {
  return world.request<Pending & Refused>("POST", "/v1/users", {
    ...asked,
    body: { email, password: PASSWORD, ...more },
  });
}

export async function confirm(
  world: World,
  pending: Pending,
  code: string,
): Promise<Answered<Account & Refused>> {
  const { registrationId, clientSecret } = pending;
  return world.request<Account & Refused>("POST", "/v1/users/confirm", {
    body: { registrationId, clientSecret, code },
  });
}

/** Registers and confirms with the mailed code. */
export async function join(world: World, email: string, more: object = {}): Promise<Account> {
  const pending = await register(world, email, more);
  assert.equal(pending.status, 202, pending.text);
  const confirmed = await confirm(world, pending.body, codeIn(await latestMail(world, email)));
  assert.equal(confirmed.status, 201, confirmed.text);
  return confirmed.body;
}

export async function mailsTo(world: World, email: string): Promise<readonly Message[]> {
  return (await world.mails()).filter((mail) => mail.to === email);
}

export async function latestMail(world: World, email: string): Promise<Message> {
  const [mail] = await mailsTo(world, email);
  assert.ok(mail, `no mail to ${email}`);
  return mail;
}

export function codeIn({ text }: { readonly text: string }): string {
  const code = /^ {4}(\d{8})$/m.exec(text)?.[1];
  assert.ok(code, text);
  return code;
}

/** Returns the mail's whole link to the page at this path. */
export function linkIn({ text }: { readonly text: string }, path: `/${string}`): string {
  const link = text.split("\n").find((line) => line.startsWith(`    ${publicUrl}${path}#`));
  assert.ok(link, text);
  return link.trim();
}

/** Returns the text after `#` in the mail's link. */
export function tokenIn({ text }: { readonly text: string }): string {
  const token = /^ {4}https?:[^\s#]+#(\S+)$/m.exec(text)?.[1];
  assert.ok(token, text);
  return token;
}

/** Returns another code of the same form. */
export function otherCode(code: string): string {
  return code.replace(/./g, (digit) => String((Number(digit) + 1) % 10));
}

export async function attempt(
  world: World,
  identifier: string,
  password: string,
  asked: RequestOptions & { readonly deviceToken?: string } = {},
) {
  const { deviceToken, ...options } = asked;
  const body = { identifier, password, ...(deviceToken !== undefined && { deviceToken }) };
  return world.request<AnswerOf<typeof endpoints.signIn, 201> & Refused>("POST", "/v1/sessions", {
    ...options,
    body,
  });
}

/** Tells whether the server still accepts this access token. */
export async function isAccepted(world: World, token: string): Promise<boolean> {
  return (await world.request("GET", "/v1/token", { token })).status === 200;
}

export async function refresh(world: World, refreshToken: string, asked: RequestOptions = {}) {
  return world.request<AnswerOf<typeof endpoints.refreshSession> & Refused>(
    "POST",
    "/v1/sessions/refresh",
    {
      ...asked,
      body: { refreshToken },
    },
  );
}

const tables = [
  "users",
  "registrations",
  "password_resets",
  "email_changes",
  "sessions",
  "face_tokens",
  "imported_tokens",
  "challenges",
  "remembered_devices",
  "totp_devices",
  "recovery_codes",
  "email_factors",
  "email_codes",
  "passkeys",
  "ceremonies",
  "signing_keys",
  "revocations",
  "leases",
  "attempts",
  "counters",
  "outbox",
  "suppressions",
  "runners",
  "audit_events",
  "setup_links",
] as const;
export type TableName = (typeof tables)[number];

/**
 * Returns every row of every table as text, with bytes as Latin-1 and hexadecimal, so that all
 * stored values can be searched.
 */
export async function dump(world: World): Promise<Readonly<Record<TableName, string>>> {
  const texts = await Promise.all(
    tables.map(async (table) => {
      const rows = await world.rules.db.selectFrom(table).selectAll().execute();
      return [
        table,
        rows.map((row) => Object.values(row).map(cell).join("\t")).join("\n"),
      ] as const;
    }),
  );
  return Object.fromEntries(texts) as Record<TableName, string>;
}

function cell(value: unknown): string {
  return value instanceof Uint8Array
    ? `${Buffer.from(value).toString("latin1")} ${Buffer.from(value).toString("hex")}`
    : String(value);
}

export async function countRows(world: World, table: TableName): Promise<number> {
  const { count } = await world.rules.db
    .selectFrom(table)
    .select(sql<number>`count(*)`.as("count"))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Returns the names of the audit events so far, oldest first. */
export async function eventsOf(world: World): Promise<readonly string[]> {
  return (
    await world.rules.db.selectFrom("audit_events").select("event").orderBy("position").execute()
  ).map((row) => row.event);
}

/** Makes the headers for a body that is signed with the webhook secret. */
export function signed(
  body: string | Uint8Array,
  at: number,
  secret = webhookSecret,
): Readonly<Record<string, string>> {
  const digest = createHmac("sha256", secret).update(`${at}.`).update(body).digest("hex");
  return { "portcullis-signature": `t=${at},v1=${digest}` };
}

/** Serves the same world with other rules, such as another second factor. */
export function servedBy(world: World, rules: Rules, parts: Parts = world.parts): World {
  const app = composeApp(parts, rules, () => "ready");
  const request = async <Body = Refused>(
    method: string,
    path: string,
    asked: RequestOptions = {},
  ): Promise<Answered<Body>> => {
    const headers = {
      ...(asked.token !== undefined && { authorization: `Bearer ${asked.token}` }),
      "content-type": "application/json",
      ...asked.headers,
    };
    const body = asked.body === undefined ? null : JSON.stringify(asked.body);
    const response = await app.fetch(new Request(publicUrl + path, { method, headers, body }), {
      remoteAddress: asked.address ?? "192.0.2.1",
    });
    const text = await response.text();
    const json = response.headers.get("content-type")?.includes("json") === true;
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (json ? JSON.parse(text) : text) as Body,
    };
  };
  return { ...world, rules, request };
}

/**
 * Starts another server over the same database, composed as after a restart. A caller that lets it
 * check tokens must stop its feed.
 */
export async function anotherNode(world: World, change: Partial<Parts> = {}): Promise<World> {
  const parts = { ...world.parts, ...change };
  return servedBy(world, await composeRules(parts), parts);
}

/** Locks the row of a user who is there, for what changes it. */
export async function held(tx: Tx, id: string): Promise<Held<User>> {
  return (await lockUser(tx, id)) ?? assert.fail(`there is no user ${id}`);
}
