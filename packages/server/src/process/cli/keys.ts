import type { Command } from "commander";
import { keyState, removeKeyNow, rotateKeys } from "../../accounts/tokens/keys.ts";
import { listKeys } from "../../accounts/tokens/keys.store.ts";
import { CommandError, withRules } from "./command.ts";
import { operator } from "../../records/audit/origin.ts";
import { makeSure, moment, print, printTable } from "./terminal.ts";

export function addKeys(program: Command): void {
  const keys = program.command("keys").description("manage the signing keys of access tokens");
  keys
    .command("list")
    .description("list every key with its state and since when it has it")
    .action(async (_options: object, command: Command) =>
      withRules(command, async ({ db }) => {
        const rows = (await listKeys(db)).map((key) => [
          key.kid,
          key.algorithm,
          keyState(key),
          moment(key.removedAt ?? key.retiredAt ?? key.activatedAt ?? key.announcedAt),
        ]);
        printTable([["KID", "ALGORITHM", "STATE", "SINCE"], ...rows]);
      }),
    );
  keys
    .command("rotate")
    .description("announce the next key; servers sign with it once every verifier can know it")
    .option(
      "--now",
      "sign with it at once; a verifier refuses its tokens until it has fetched the key",
    )
    .action(async (options: { readonly now?: true }, command: Command) =>
      withRules(command, async (rules) => {
        const { kid } = await rotateKeys(rules, operator, { atOnce: options.now === true });
        print(
          options.now === true
            ? `The key ${kid} signs from now on.`
            : `The key ${kid} has been announced; it signs in ${rules.announceSeconds} s.`,
        );
      }),
    );
  keys
    .command("remove")
    .argument("<kid>", "id of the key, as in `keys list`")
    .description(
      "remove a key in an emergency: every access token that it signed is dead when this returns; sessions continue with a refresh",
    )
    .option("--yes", "do not ask for confirmation")
    .action(async (kid: string, options: { readonly yes?: true }, command: Command) => {
      await makeSure(`Remove the key ${kid} and with it every access token it signed?`, options);
      await withRules(command, async (rules) => {
        const outcome = await removeKeyNow(rules, kid, operator);
        if (outcome.kind === "unknown")
          throw new CommandError(
            `There is no key ${kid} that could be removed: \`portcullis keys list\` shows those there are.`,
          );
        print(`The key ${kid} has been removed.`);
      });
    });
}
