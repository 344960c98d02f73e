import type { Command } from "commander";
import type { Rules } from "../rules.ts";
import type { PasswordProblem } from "../../accounts/users/password-policy.ts";
import { createSuperuser, type CreateOutcome } from "../../accounts/users/register.ts";
import { anySuperuser } from "../../accounts/users/users.store.ts";
import { CommandError, configOf, withNewRules } from "./command.ts";
import { operator } from "../../records/audit/origin.ts";
import { holdKeys } from "../../accounts/tokens/keys.store.ts";
import { ask, askSecret, isInteractive, print, readStandardInput } from "./terminal.ts";

interface CreateOptions {
  readonly email?: string;
  readonly passwordStdin?: true;
  readonly input: boolean;
}

export function addSuperusers(program: Command): void {
  program
    .command("createsuperuser")
    .description("create a superuser; asks for everything that is not given")
    .option("--email <address>", "e-mail address of the superuser")
    .option("--password-stdin", "read the password from standard input")
    .option("--no-input", "never ask; needs --email and --password-stdin")
    .action(async (options: CreateOptions, command: Command) => {
      const input = await readAccount(options, command);
      await withNewRules(configOf(command), async (rules) => {
        const outcome = await createSuperuser(rules, input, operator);
        if (outcome.kind !== "created") throw new CommandError(reasonOf(outcome, input.email));
        print(`The superuser ${input.email} has been created.`);
      });
    });
  program
    .command("makesuperuser")
    .description(
      "create the first superuser with a random password and print it; asks nothing, and does nothing if there is a superuser",
    )
    .option("--email <address>", "e-mail address of the superuser", "admin@example.com")
    .action(async (options: { readonly email: string }, command: Command) =>
      withNewRules(configOf(command), async (rules) => makeSuperuser(rules, options.email)),
    );
}

async function readAccount(
  options: CreateOptions,
  command: Command,
): Promise<{ readonly email: string; readonly password: string }> {
  const mayAsk = options.input && isInteractive();
  if (!mayAsk && (options.email === undefined || options.passwordStdin !== true)) {
    command.error(
      "error: this is no terminal, so nothing can be asked: give --email, and the password on standard input with --password-stdin",
    );
  }
  const email = options.email ?? (await ask("E-mail address: "));
  return {
    email,
    password: options.passwordStdin === true ? await readStandardInput() : await askPassword(),
  };
}

async function askPassword(): Promise<string> {
  const password = await askSecret("Password: ");
  if (password !== (await askSecret("Password again: ")))
    throw new CommandError("The two passwords differ: run the command again.");
  return password;
}

const PASSWORD_BYTES = 18;

/**
 * If several of these commands run at once, one creates a superuser: they take turns at the rows of
 * the signing keys.
 */
async function makeSuperuser(rules: Rules, email: string): Promise<void> {
  if (await anySuperuser(rules.db)) return print(THERE_IS_ONE);
  const password = rules.random.bytes(PASSWORD_BYTES).toString("base64url");
  const outcome = await createSuperuser(rules, { email, password }, operator, async (tx) => {
    await holdKeys(tx);
    return !(await anySuperuser(tx));
  });
  if (outcome.kind === "guarded") return print(THERE_IS_ONE);
  if (outcome.kind !== "created") throw new CommandError(reasonOf(outcome, email));
  print("A superuser has been created. The password is not shown again.");
  print(`email: ${email}`);
  print(`password: ${password}`);
}

const THERE_IS_ONE = "There is a superuser already; nothing was changed.";

const passwordReasons: Readonly<Record<PasswordProblem, string>> = {
  too_short: "The password is too short: choose a longer one.",
  too_long: "The password is too long: choose a shorter one.",
  forbidden_character:
    "The password has a character that cannot be used: leave out control characters.",
  common: "Many people use this password: choose another.",
  contains_context: "The password is made of the address or of the service's name: choose another.",
};

function reasonOf(
  outcome: Exclude<CreateOutcome, { kind: "created" }> | { readonly kind: "guarded" },
  email: string,
): string {
  switch (outcome.kind) {
    case "unacceptable_password":
      return passwordReasons[outcome.reason];
    case "email_taken":
      return `${email} belongs to an account already: give another --email.`;
    case "invalid":
      return `${email} is not an e-mail address we can use: give one plain address with --email.`;
    default:
      return "The password could not be hashed at the moment: run the command again.";
  }
}
