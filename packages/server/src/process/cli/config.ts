import type { Command } from "commander";
import { describeConfig } from "../config.ts";
import { configOf } from "./command.ts";
import { reference } from "./reference.ts";
import { print, printTable } from "./terminal.ts";

export function addConfig(program: Command): void {
  program
    .command("config")
    .description("print the settings that are in effect, with secrets masked")
    .option("--reference", "print every setting as Markdown")
    .action((options: { readonly reference?: true }, command: Command) => {
      if (options.reference === true) return print(reference().trimEnd());
      printTable(describeConfig(configOf(command)).map(({ name, value }) => [name, value]));
    });
}
