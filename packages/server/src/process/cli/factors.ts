import { Option, type Command } from "commander";
import type { Rules } from "../rules.ts";
import { reportOn, type Report } from "../../accounts/factors/report.ts";
import { resetFactors } from "../../accounts/factors/reset-factors.ts";
import { CommandError, withRules } from "./command.ts";
import { operator } from "../../records/audit/origin.ts";
import { findOrExplain } from "./find-user.ts";
import { makeSure, moment, print, printTable, readLimit } from "./terminal.ts";

const policies = ["superusers", "required"] as const;

interface ReportOptions {
  readonly policy?: (typeof policies)[number];
  readonly limit: number;
  readonly json?: true;
}

export function addFactors(program: Command): void {
  const users =
    program.commands.find((command) => command.name() === "users") ??
    program.command("users").description("show and change user accounts");
  users
    .command("mfa-report")
    .description(
      "list the users without the second factor that a policy demands; read it before you set the policy",
    )
    .addOption(
      new Option(
        "--policy <policy>",
        "policy to report on; the default is the one in force",
      ).choices(policies),
    )
    .option("--limit <number>", "highest number of lines", readLimit, 50)
    .option("--json", "print one JSON object on each line")
    .action(async (options: ReportOptions, command: Command) =>
      withRules(command, async (rules) => report(rules, options)),
    );
  users
    .command("reset-factors")
    .argument("<user>", "id, e-mail address or username")
    .description(
      "remove every second factor of a user who cannot use them any more; all tokens of the user are dead when this returns",
    )
    .option("--yes", "do not ask for confirmation")
    .action(async (who: string, options: { readonly yes?: true }, command: Command) =>
      withRules(command, async (rules) => reset(rules, who, options)),
    );
}

async function report(rules: Rules, { json, ...query }: ReportOptions): Promise<void> {
  const found = await reportOn(rules, query);
  if (found.kind !== "report") return;
  const { users, nextCursor } = found;
  if (json === true) return users.forEach((user) => print(JSON.stringify(user)));
  if (users.length > 0) {
    const rows = users.map((user) => [
      user.id,
      user.email ?? "-",
      user.username ?? "-",
      user.superuser ? "yes" : "-",
      moment(user.lastLoginAt),
    ]);
    printTable([["ID", "EMAIL", "USERNAME", "SUPERUSER", "LAST LOGIN"], ...rows]);
    if (nextCursor !== null) print(`The first ${query.limit} only: raise --limit.`);
  }
  print(sentenceOf(found));
}

function sentenceOf({ policy, concerned, without, withoutRecoveryCodes }: Report): string {
  if (policy !== "superusers" && policy !== "required")
    return `The policy in force, ${policy}, demands no second factor: ask with --policy ${policies.join(" or --policy ")}.`;
  const whom = policy === "superusers" ? "active superusers" : "active users";
  const setting = `PORTCULLIS_MFA_POLICY=${policy}`;
  const first =
    without === 0
      ? `Each of the ${concerned} ${whom} has a second factor: ${setting} asks no user for anything new.`
      : `${without} of ${concerned} ${whom} have no second factor: ${setting} makes them set one up at their next sign-in, or from PORTCULLIS_MFA_GRACE_UNTIL on where that is set.`;
  if (withoutRecoveryCodes === 0) return first;
  return `${first} ${withoutRecoveryCodes} of those who have one have no recovery codes: if they lose it, only \`portcullis users reset-factors\` helps.`;
}

async function reset(rules: Rules, who: string, options: { readonly yes?: true }): Promise<void> {
  const { id } = await findOrExplain(rules, who);
  await makeSure(`Remove every second factor of ${who}, id ${id}?`, options);
  const { kind } = await resetFactors(rules, id, operator);
  if (kind === "unknown") throw new CommandError(`${who} has been deleted in the meantime.`);
  if (kind === "last_credential")
    throw new CommandError(
      `${who} has no password, and no e-mail address for setting one. The passkey stays, because the user could not sign in without it.`,
    );
  print(`${who} has no second factor any more and has been signed out everywhere.`);
}
