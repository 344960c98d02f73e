import type { Command } from "commander";
import { migrate } from "../../platform/db/migrate.ts";
import { configOf, withDatabase } from "./command.ts";
import { print } from "./terminal.ts";

export function addMigrate(program: Command): void {
  program
    .command("migrate")
    .description("bring the database schema up to date (`serve` does so automatically)")
    .action(async (_options: object, command: Command) =>
      withDatabase(configOf(command), async (database) => {
        const { applied } = await migrate(database);
        print(
          applied.length === 0 ? "The schema is up to date." : `Applied ${applied.join(", ")}.`,
        );
      }),
    );
}
