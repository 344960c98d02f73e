import { Option, type Command } from "commander";
import type { Rules } from "../rules.ts";
import {
  findAdministeredUser,
  findUsers,
  type AdministeredUser,
} from "../../interfaces/admin/users.ts";
import { endAllSessions } from "../../accounts/sessions/revoke.ts";
import { removeUser } from "../../accounts/users/delete-user.ts";
import { disableUser, enableUser } from "../../accounts/users/disable-user.ts";
import { type EndUserOutcome } from "../../accounts/users/last-superuser.ts";
import { CommandError, withRules } from "./command.ts";
import { operator } from "../../records/audit/origin.ts";
import { findOrExplain } from "./find-user.ts";
import { makeSure, moment, print, printTable, readLimit } from "./terminal.ts";

const statuses = ["active", "disabled", "unverified", "superuser"] as const;

interface ListOptions {
  readonly search?: string;
  readonly status?: (typeof statuses)[number];
  readonly limit: number;
  readonly json?: true;
}

export function addUsers(program: Command): void {
  const users = program.command("users").description("show and change user accounts");
  users
    .command("list")
    .description("list users, newest first")
    .option("--search <text>", "beginning of an e-mail address or username, or a whole id")
    .addOption(
      new Option("--status <status>", "list only users with this status").choices(statuses),
    )
    .option("--limit <number>", "highest number of lines", readLimit, 50)
    .option("--json", "print one JSON object on each line")
    .action(async (options: ListOptions, command: Command) =>
      withRules(command, async (rules) => list(rules, options)),
    );

  const one = (name: string, description: string): Command =>
    users
      .command(name)
      .argument("<user>", "id, e-mail address or username")
      .description(description);
  one("show", "one user").action(async (who: string, _options: object, command: Command) =>
    withRules(command, async (rules) => {
      const { id } = await findOrExplain(rules, who);
      const user = await findAdministeredUser(rules, id);
      if (user !== undefined) show(user);
    }),
  );
  one("disable", "disable a user; all their tokens are dead when this returns").action(
    async (who: string, _options: object, command: Command) =>
      withRules(command, async (rules) => {
        const { id } = await findOrExplain(rules, who);
        explain(await disableUser(rules, id, operator), who);
        print(`${who} has been disabled and signed out everywhere.`);
      }),
  );
  one("enable", "enable a user again and forget their failed attempts").action(
    async (who: string, _options: object, command: Command) =>
      withRules(command, async (rules) => {
        const { id } = await findOrExplain(rules, who);
        explain(await enableUser(rules, id, operator), who);
        print(`${who} can sign in.`);
      }),
  );
  one("logout", "end every session of a user; all their tokens are dead when this returns").action(
    async (who: string, _options: object, command: Command) =>
      withRules(command, async (rules) => {
        const { id } = await findOrExplain(rules, who);
        await endAllSessions(rules, id, "admin", operator);
        print(`${who} has been signed out everywhere.`);
      }),
  );
  one(
    "delete",
    "delete a user with their personal data; all tokens of the user are dead when this returns",
  )
    .option("--yes", "do not ask for confirmation")
    .action(async (who: string, options: { readonly yes?: true }, command: Command) =>
      withRules(command, async (rules) => {
        const { id } = await findOrExplain(rules, who);
        await makeSure(`Delete ${who}, id ${id}, permanently?`, options);
        explain(await removeUser(rules, id, operator), who);
        print(`${who} has been deleted.`);
      }),
    );
}

async function list(rules: Rules, { json, ...query }: ListOptions): Promise<void> {
  const page = await findUsers(rules, query);
  if (page.kind !== "page") return;
  if (json === true) return page.rows.forEach((user) => print(JSON.stringify(user)));
  const rows = page.rows.map((user) => [
    user.id,
    user.email ?? "-",
    user.username ?? "-",
    statusOf(user),
    String(user.liveSessions),
    moment(user.createdAt),
  ]);
  printTable([["ID", "EMAIL", "USERNAME", "STATUS", "SESSIONS", "CREATED"], ...rows]);
  if (page.nextCursor !== null)
    print(`The first ${query.limit} only: narrow the search or raise --limit.`);
}

function show(user: AdministeredUser): void {
  printTable([
    ["id", user.id],
    ["email", user.email ?? "-"],
    ["verified", moment(user.emailVerifiedAt)],
    ["username", user.username ?? "-"],
    ["status", statusOf(user)],
    ["disabled", moment(user.disabledAt)],
    ["sessions", String(user.liveSessions)],
    ["created", moment(user.createdAt)],
    ["last login", moment(user.lastLoginAt)],
    ["profile", JSON.stringify(user.profile)],
  ]);
}

function statusOf(user: AdministeredUser): string {
  const words = [
    user.superuser && "superuser",
    user.disabledAt !== null && "disabled",
    user.email !== null && user.emailVerifiedAt === null && "unverified",
  ];
  return words.filter((word) => word !== false).join(",") || "active";
}

function explain(
  outcome: EndUserOutcome | { readonly kind: "done" | "unknown" },
  who: string,
): void {
  if (outcome.kind === "unknown")
    throw new CommandError(`${who} has been deleted in the meantime.`);
  if (outcome.kind === "last_superuser")
    throw new CommandError(
      `${who} is the last active superuser: \`portcullis createsuperuser\` makes another one first.`,
    );
}
