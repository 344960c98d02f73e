import { transact } from "../../platform/db/transact.ts";
import { Option, type Command } from "commander";
import { lettersOf } from "../letters.ts";
import type { Rules } from "../rules.ts";
import type { Config } from "../config.ts";
import { systemClock } from "../../platform/kernel/clock.ts";
import { uuidv7 } from "../../platform/kernel/ids.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import { sendAgain } from "../../records/mail/dead-letters.ts";
import { parseSender } from "../../records/mail/message.ts";
import { listMails, type ListedMail } from "../../records/mail/mail.ts";
import type { EntryState } from "../../records/outbox/outbox.store.ts";
import { clearSuppression, readRecipient, suppress } from "../../records/mail/suppressions.ts";
import { findSuppression, listSuppressions } from "../../records/mail/suppressions.store.ts";
import { createTransport } from "../../records/mail/transports.ts";
import type { SendOutcome, UnavailableCause } from "../../records/mail/transport.ts";
import { CommandError, configOf, publicUrlOf, withRules } from "./command.ts";
import { operator } from "../../records/audit/origin.ts";
import { moment, print, printTable, readLimit } from "./terminal.ts";

const states = ["queued", "failed", "sent"] as const satisfies readonly EntryState[];

interface ListOptions {
  readonly state?: EntryState;
  readonly limit: number;
  readonly json?: true;
}

export function addMail(program: Command): void {
  const mail = program
    .command("mail")
    .description("show mail, send it again, and manage addresses that get none");
  mail
    .command("list")
    .description("list mails, newest first")
    .addOption(new Option("--state <state>", "list only mails in this state").choices(states))
    .option("--limit <number>", "highest number of lines", readLimit, 50)
    .option("--json", "print one JSON object on each line")
    .action(async (options: ListOptions, command: Command) =>
      withRules(command, async (rules) => list(rules, options)),
    );
  mail
    .command("send-again")
    .argument("[id]", "id of a mail that was given up")
    .option("--all-failed", "every mail that was given up and has not expired")
    .description("send a mail again that was given up")
    .action(
      async (id: string | undefined, options: { readonly allFailed?: true }, command: Command) =>
        withRules(command, async (rules) => {
          if ((id === undefined) === (options.allFailed === undefined))
            throw new CommandError("Give the id of a mail, or --all-failed.");
          await (id === undefined ? sendAllAgain(rules) : sendOneAgain(rules, id));
        }),
    );
  mail
    .command("test")
    .argument("<address>")
    .description("send a test mail at once, without the outbox, and print the result")
    .action(async (address: string, _options: object, command: Command) =>
      sendTest(configOf(command), address),
    );
  addSuppressions(mail);
}

function addSuppressions(mail: Command): void {
  const suppressions = mail
    .command("suppressions")
    .description("list and change the addresses that get no mail");
  suppressions
    .command("list")
    .description("list the addresses, newest first")
    .option("--limit <number>", "highest number of lines", readLimit, 50)
    .option("--json", "print one JSON object on each line")
    .action(async (options: Omit<ListOptions, "state">, command: Command) =>
      withRules(command, async (rules) => showSuppressions(rules, options)),
    );
  suppressions
    .command("add")
    .argument("<address>")
    .description("stop sending mail to an address")
    .action(async (address: string, _options: object, command: Command) =>
      withRules(command, async (rules) => {
        const suppressed = { address: recipientOrExplain(address), reason: "operator" } as const;
        await transact(rules, async (tx) => suppress(tx, rules, suppressed, operator));
        print(`${suppressed.address} gets no more mail.`);
      }),
    );
  suppressions
    .command("clear")
    .argument("<address>")
    .description("send mail to an address again")
    .action(async (address: string, _options: object, command: Command) =>
      withRules(command, async (rules) => clear(rules, recipientOrExplain(address))),
    );
}

async function list({ db }: Rules, { json, state, limit }: ListOptions): Promise<void> {
  const found = await listMails(db, { state, limit: limit + 1 });
  const mails = found.slice(0, limit);
  if (json === true) return mails.forEach((mail) => print(JSON.stringify(mail)));
  const rows = mails.map((mail) => [
    mail.id,
    mail.recipient,
    mail.template,
    mail.state,
    String(mail.attempts),
    moment(mail.createdAt),
    mail.lastError ?? "-",
  ]);
  printTable([
    ["ID", "RECIPIENT", "TEMPLATE", "STATE", "ATTEMPTS", "CREATED", "LAST ERROR"],
    ...rows,
  ]);
  if (found.length > limit) print(`The first ${limit} only: raise --limit.`);
}

async function sendOneAgain(rules: Rules, id: string): Promise<void> {
  const { kind } = await sendAgain(rules, id.toLowerCase(), operator);
  if (kind === "unknown")
    throw new CommandError(
      `No mail ${id} was given up: \`portcullis mail list --state failed\` shows those that were.`,
    );
  if (kind === "expired")
    throw new CommandError(`The mail ${id} has expired: its user must request a new one.`);
  print(`The mail ${id} waits to be sent.`);
}

const BATCH = 200;

async function sendAllAgain(rules: Rules): Promise<void> {
  const counted = { requeued: 0, expired: 0, unknown: 0 };
  let before: string | undefined;
  let mails: readonly ListedMail[];
  do {
    mails = await listMails(rules.db, { state: "failed", before, limit: BATCH });
    for (const { id } of mails) counted[(await sendAgain(rules, id, operator)).kind] += 1;
    before = mails.at(-1)?.id;
  } while (mails.length === BATCH);
  print(`${counted.requeued} wait to be sent; ${counted.expired} have expired.`);
}

async function showSuppressions(
  { db }: Rules,
  { json, limit }: Omit<ListOptions, "state">,
): Promise<void> {
  const found = await listSuppressions(db, { limit: limit + 1 });
  const suppressions = found.slice(0, limit);
  if (json === true)
    return suppressions.forEach((suppression) => print(JSON.stringify(suppression)));
  printTable([
    ["ADDRESS", "REASON", "SINCE"],
    ...suppressions.map(({ address, reason, createdAt }) => [address, reason, moment(createdAt)]),
  ]);
  if (found.length > limit) print(`The first ${limit} only: raise --limit.`);
}

async function clear(rules: Rules, address: string): Promise<void> {
  const cleared = await transact(rules, async (tx) => {
    const suppression = await findSuppression(tx, address);
    return suppression === undefined
      ? "unknown"
      : clearSuppression(tx, rules, suppression.id, operator);
  });
  if (cleared === "unknown") throw new CommandError(`${address} is not suppressed: it gets mail.`);
  print(`${address} gets mail again.`);
}

async function sendTest(config: Config, address: string): Promise<void> {
  const to = recipientOrExplain(address);
  const setting = config.mail?.reveal() ?? "mailbox:";
  if (setting === "mailbox:")
    throw new CommandError(
      "PORTCULLIS_MAIL is mailbox:, which keeps mail in the server's memory: set it to smtp://…, smtps://… or dir:PATH.",
    );
  const publicUrl = publicUrlOf(config);
  const [clock, random] = [systemClock, systemRandom];
  const transport = createTransport(setting, { clock });
  try {
    const [id, at] = [uuidv7({ clock, random }), clock.now()];
    const letter = lettersOf(config, publicUrl).write("test", { data: {}, locale: null, now: at });
    const messageId = `<${id}@${new URL(publicUrl).hostname}>`;
    const message = { id, messageId, at, from: parseSender(config.mailFrom), to, ...letter };
    explain(await transport.send(message, new AbortController().signal), to);
  } finally {
    transport.close();
  }
  print(
    setting.startsWith("dir:")
      ? `The mail to ${to} was written to ${setting.slice("dir:".length)}.`
      : `The mail server has taken the mail to ${to}.`,
  );
}

const hints: Readonly<Record<UnavailableCause, string>> = {
  connection:
    "The mail server cannot be reached or is out of service: check host and port in PORTCULLIS_MAIL, and that no firewall is between",
  authentication: "The mail server does not let us in: check user and password in PORTCULLIS_MAIL",
  encryption:
    "No encrypted connection to the mail server can be made: check its certificate, the port, and ?tls= in PORTCULLIS_MAIL",
  sender:
    "The mail server does not take mail from PORTCULLIS_MAIL_FROM: set it to an address that the server lets us send from",
  storage: "The directory that PORTCULLIS_MAIL names cannot be written to",
};

/**
 * @throws {CommandError} unless the mail was sent; the message holds the class of the server's
 *   answer
 */
function explain(outcome: SendOutcome, to: string): void {
  switch (outcome.kind) {
    case "sent":
      return;
    case "refused":
      throw new CommandError(
        outcome.permanent
          ? `The mail server permanently refuses mail to ${to} (${outcome.error}).`
          : `The mail server does not take mail to ${to} at the moment (${outcome.error}): the outbox would try again.`,
      );
    case "interrupted":
      throw new CommandError(
        `The connection broke while the mail was sent (${outcome.error}): it is unknown whether it has arrived.`,
      );
    case "unavailable":
      throw new CommandError(`${hints[outcome.cause]} (${outcome.error}).`);
  }
}

function recipientOrExplain(text: string): string {
  const recipient = readRecipient(text);
  if (recipient === undefined) throw new CommandError(`"${text}" is not one plain e-mail address.`);
  return recipient;
}
