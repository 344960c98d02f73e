import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { median, type Bench, type Row, type Scenario } from "../bench.ts";
import { judged, spreads } from "../spread.ts";

const USERS = 100_000;
const GOAL_PER_SECOND = 20_000;
const MAIN = join(import.meta.dirname, "../../packages/server/bin/portcullis.js");

/**
 * Measures `portcullis import-django` from its start to its end, from a stock Django on SQLite into
 * a new embedded database.
 */
export const importDjango: Scenario = {
  name: "import",
  run: async (bench: Bench): Promise<readonly Row[]> => {
    const source = join(bench.folder("django"), "db.sqlite3");
    fill(source);
    const rates = Array.from(
      { length: bench.options.rounds },
      () => USERS / secondsOf(source, bench.folder("import")),
    );
    return [
      {
        what: `import of ${USERS.toLocaleString("en")} users from SQLite`,
        portcullis: perSecond(median(rates)),
        against: "",
        reference: "",
        result: "",
        spread: spreads(rates),
        goal: `≥ ${perSecond(GOAL_PER_SECOND)}`,
        verdict: judged(median(rates) >= GOAL_PER_SECOND ? "pass" : "miss", rates),
        note: `the program's start included; worst of ${rates.length}: ${perSecond(Math.min(...rates))}`,
      },
    ];
  },
};

function secondsOf(source: string, dataDir: string): number {
  const begun = performance.now();
  const env = { PATH: process.env["PATH"], PORTCULLIS_DATA_DIR: join(dataDir, "data") };
  const { status, stderr } = spawnSync(
    process.execPath,
    [MAIN, "import-django", "--from", source],
    { env, encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`import-django failed: ${stderr}`);
  return (performance.now() - begun) / 1000;
}

function fill(file: string): void {
  const database = new DatabaseSync(file);
  database.exec(`create table auth_user (id integer not null primary key autoincrement, password varchar(128) not null, last_login datetime null,
    is_superuser bool not null, username varchar(150) not null unique, last_name varchar(150) not null, email varchar(254) not null,
    is_staff bool not null, is_active bool not null, date_joined datetime not null, first_name varchar(150) not null)`);
  const insert = database.prepare(
    "insert into auth_user values (?, ?, '2025-01-02 10:20:30.123456', 0, ?, 'Bench', ?, 0, 1, '2024-01-01 12:00:00.123456', 'Anna')",
  );
  const hash = `pbkdf2_sha256$260000$${"s".repeat(22)}$${Buffer.alloc(32, 1).toString("base64")}`;
  database.exec("begin");
  for (let id = 1; id <= USERS; id += 1)
    insert.run(id, hash, `bench${id}`, `bench${id}@example.com`);
  database.exec("commit");
  database.close();
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString("en")}/s`;
}
