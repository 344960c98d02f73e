import { spawn } from "node:child_process";
import { once } from "node:events";
import { type PostgresForTests, startPostgres } from "./postgres.ts";

// `npm test [-- FILE…]`: every test, on SQLite and on a PostgreSQL started for the occasion.

const patterns =
  process.argv.length > 2 ? process.argv.slice(2) : ["packages/**/*.test.ts", "tools/**/*.test.ts"];
const given = process.env["TEST_DATABASE_URL"];
const postgres = given === undefined ? await postgresOrWarning() : undefined;
const url = given ?? postgres?.url;

const tests = spawn(process.execPath, ["--test", "--test-concurrency=2", ...patterns], {
  stdio: "inherit",
  env: { ...process.env, ...(url !== undefined && { TEST_DATABASE_URL: url }) },
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => tests.kill(signal));
const [code] = (await once(tests, "exit")) as [number | null];
await postgres?.stop();
process.exitCode = code ?? 1;

async function postgresOrWarning(): Promise<PostgresForTests | undefined> {
  try {
    return await startPostgres();
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    const line = "!".repeat(100);
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `${line}\nNo PostgreSQL could be started, so every [postgres] test is SKIPPED.\n${reason}\n${line}\n`,
    );
    return undefined;
  }
}
