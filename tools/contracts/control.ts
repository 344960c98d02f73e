import { transact } from "../../packages/server/src/platform/db/transact.ts";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Origin } from "../../packages/server/src/records/audit/events.ts";
import type { Rules } from "../../packages/server/src/process/rules.ts";
import { readAddress } from "../../packages/server/src/accounts/users/address.ts";
import { removeUser } from "../../packages/server/src/accounts/users/delete-user.ts";
import { disableUser, enableUser } from "../../packages/server/src/accounts/users/disable-user.ts";
import {
  findByIdentifier,
  setPassword,
  type User,
  lockUser,
} from "../../packages/server/src/accounts/users/users.store.ts";

export interface Control {
  readonly url: string;
  close(): Promise<void>;
}

export interface ControlOptions {
  readonly loginField: "email" | "username";
  readonly userIdField: "number" | "id";
  /** Whether `get_user` reveals the secret with which tag1 signs a user's tokens. */
  readonly secrets: boolean;
}

/** A request to the recordings' back door (README.md beside them). */
interface Asked {
  readonly op: "get_user" | "set_active" | "delete_user" | "set_unusable_password" | "count_tokens";
  readonly login: string;
  readonly value?: boolean;
}

type Answer = Readonly<Record<string, unknown>>;

const operator: Origin = { address: null, requestId: null, actor: { kind: "operator" } };

/**
 * Starts the back door of the recordings, which works on the server's rules and listens on a port
 * of its own.
 */
export async function startControl(rules: Rules, options: ControlOptions): Promise<Control> {
  const server = createServer((request, response) => {
    void answerTo(rules, options, request).then(
      (answer) =>
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer)),
      (error: unknown) =>
        response.writeHead(500).end(error instanceof Error ? error.message : "failed"),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function answerTo(
  rules: Rules,
  options: ControlOptions,
  request: IncomingMessage,
): Promise<Answer> {
  const asked = JSON.parse(await text(request)) as Asked;
  const user = await find(rules, options, asked.login);
  switch (asked.op) {
    case "get_user":
      return present(user, options);
    case "set_active":
      return done(
        await (asked.value === true ? enableUser : disableUser)(rules, user.id, operator),
      );
    case "delete_user":
      return done(await removeUser(rules, user.id, operator));
    case "set_unusable_password":
      await transact(rules, async (tx) => {
        const held = await lockUser(tx, user.id);
        if (held !== undefined) await setPassword(tx, held, null, rules.clock.now());
      });
      return { ok: true };
    case "count_tokens":
      return countTokens(rules, user);
  }
}

async function find(rules: Rules, { loginField }: ControlOptions, login: string): Promise<User> {
  const address = loginField === "email" ? readAddress(login) : undefined;
  const username = loginField === "username" ? rules.readUsername(login) : undefined;
  const identifier =
    address?.kind === "address"
      ? { emailCanonical: address.canonical }
      : username?.kind === "username"
        ? { usernameCanonical: username.canonical }
        : undefined;
  const user = identifier && (await findByIdentifier(rules.db, identifier));
  if (user === undefined) throw new Error(`there is no user ${login}`);
  return user;
}

function present(user: User, { userIdField, secrets }: ControlOptions): Answer {
  return {
    active: user.disabledAt === null && user.pausedAt === null,
    id: userIdField === "id" ? user.id : user.number,
    ...(secrets && { jwt_secret: secretOf(user) }),
  };
}

/**
 * Returns a stand-in for the user's secret. The original changes the secret to kill tokens; here
 * the hard epoch does so.
 */
function secretOf({ id, hardEpoch }: User): string {
  const hex = createHash("sha256").update(`${id}:${hardEpoch}`).digest("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join("-");
}

/**
 * Counts a user's tokens. A session issued one refresh token per generation. All but the last are
 * blacklisted, and the last one is, too, once the session is revoked.
 */
async function countTokens(rules: Rules, user: User): Promise<Answer> {
  const sessions = await rules.db
    .selectFrom("sessions")
    .select(["generation", "revoked_at"])
    .where("user_id", "=", user.id)
    .execute();
  const outstanding = sessions.reduce((sum, session) => sum + session.generation, 0);
  return {
    outstanding,
    blacklisted: outstanding - sessions.filter((session) => session.revoked_at === null).length,
  };
}

function done(outcome: { readonly kind: string }): Answer {
  if (outcome.kind !== "done") throw new Error(`it could not be done: ${outcome.kind}`);
  return { ok: true };
}
