import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { sql } from "kysely";
import { type Db, openDatabase, type Queryable, type Tx } from "../open.ts";
import { isUnavailable } from "../storage-errors.ts";
import { onSqlite } from "../testing.ts";

async function hit(db: Queryable, bucket: string): Promise<void> {
  await db.insertInto("attempts").values({ bucket, count: 0, window_ends_at: 0 }).execute();
}

async function buckets(db: Queryable): Promise<readonly string[]> {
  return (await db.selectFrom("attempts").select("bucket").orderBy("bucket").execute()).map(
    (row) => row.bucket,
  );
}

/** All begun before the first one ends. */
async function crowd<Result>(
  db: Db,
  members: readonly ((tx: Tx) => Promise<Result>)[],
): Promise<PromiseSettledResult<Result>[]> {
  return Promise.allSettled(members.map(async (member) => db.transaction().execute(member)));
}

const hits = (count: number) =>
  Array.from({ length: count }, (_, i) => async (tx: Tx) => hit(tx, `b${100 + i}`));

function failureOf(settled: PromiseSettledResult<unknown> | undefined): unknown {
  return settled?.status === "rejected" ? settled.reason : undefined;
}

/**
 * Frames of the write-ahead log that end a commit
 * (https://sqlite.org/fileformat2.html#the_write_ahead_log, §4.1).
 */
function commitsIn(file: string): number {
  const log = readFileSync(`${file}-wal`);
  if (log.length === 0) return 0;
  const frame = 24 + log.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at + frame <= log.length; at += frame)
    if (log.readUInt32BE(at + 4) > 0) commits += 1;
  return commits;
}

onSqlite(
  "64 transactions at once are all stored, each on top of the one before, by a few commits",
  async ({ db, options }) => {
    await hit(db, "b");
    const before = commitsIn(options.file);
    const read = await crowd(
      db,
      Array.from({ length: 64 }, () => async (tx: Tx) => {
        const { count } = await tx.selectFrom("attempts").select("count").executeTakeFirstOrThrow();
        await new Promise(setImmediate);
        await tx
          .updateTable("attempts")
          .set({ count: count + 1 })
          .execute();
        return count;
      }),
    );
    assert.deepEqual(
      read.map((settled) => settled.status === "fulfilled" && settled.value),
      Array.from({ length: 64 }, (_, i) => i),
    );
    const other = await openDatabase(options);
    assert.deepEqual(await other.db.selectFrom("attempts").select("count").execute(), [
      { count: 64 },
    ]);
    await other.close();
    const commits = commitsIn(options.file) - before;
    assert.ok(commits >= 2 && commits <= 4, `${commits} commits`);
  },
);

onSqlite(
  "transactions that never leave the processor share a commit although none ever waits for another",
  async ({ db, options }) => {
    const before = commitsIn(options.file);
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        await new Promise(setImmediate);
        await db.transaction().execute(async (tx) => hit(tx, `b${i}`));
      }),
    );
    const commits = commitsIn(options.file) - before;
    assert.ok(commits <= 3, `${commits} commits`);
    assert.equal((await buckets(db)).length, 20);
  },
);

onSqlite(
  "a transaction that is alone begins, writes and commits, and nothing else",
  async ({ db, queries, options }) => {
    for (const bucket of ["a", "b", "c"]) {
      await new Promise(setImmediate);
      const [sent, commits] = [queries(), commitsIn(options.file)];
      await db.transaction().execute(async (tx) => hit(tx, bucket));
      assert.deepEqual([queries() - sent, commitsIn(options.file) - commits], [3, 1]);
    }
  },
);

for (const thrower of [0, 7, 15])
  onSqlite(
    `if number ${thrower} of 16 transactions at once throws, only its own work is taken back`,
    async ({ db }) => {
      const members = hits(16);
      const settled = await crowd(
        db,
        members.map((member, i) => async (tx: Tx) => {
          await member(tx);
          if (i === thrower) throw new Error("take it back");
        }),
      );
      assert.deepEqual(
        settled.flatMap(({ status }, i) => (status === "rejected" ? [i] : [])),
        [thrower],
      );
      assert.match(String(failureOf(settled[thrower])), /take it back/);
      assert.deepEqual(
        await buckets(db),
        members.flatMap((_, i) => (i === thrower ? [] : [`b${100 + i}`])),
      );
    },
  );

onSqlite(
  "a savepoint within a transaction works in every place of a batch, released or not",
  async ({ db }) => {
    const settled = await crowd(
      db,
      hits(8).map((member, i) => async (tx: Tx) => {
        await sql`savepoint perhaps`.execute(tx);
        await hit(tx, `perhaps ${i}`);
        await (
          i % 2 === 0 ? sql`rollback to savepoint perhaps` : sql`release savepoint perhaps`
        ).execute(tx);
        await member(tx);
        if (i >= 6) throw new Error("take it back");
      }),
    );
    assert.deepEqual(
      settled.map(({ status }) => status === "fulfilled"),
      [true, true, true, true, true, true, false, false],
    );
    assert.deepEqual(await buckets(db), [
      "b100",
      "b101",
      "b102",
      "b103",
      "b104",
      "b105",
      "perhaps 1",
      "perhaps 3",
      "perhaps 5",
    ]);
  },
);

onSqlite(
  "a transaction sees those before it in its batch, a reader sees none of them and each is answered after that",
  async ({ db }) => {
    const told: string[] = [];
    const first = db
      .transaction()
      .execute(async (tx) => hit(tx, "a"))
      .then(() => told.push("a is stored"));
    await db.transaction().execute(async (tx) => {
      for (let i = 0; i < 5; i += 1) await new Promise(setImmediate);
      assert.deepEqual([await buckets(tx), await buckets(db), told], [["a"], [], []]);
      await hit(tx, "b");
    });
    assert.deepEqual(await buckets(db), ["a", "b"]);
    await first;
  },
);

onSqlite(
  "a write outside a transaction takes its turn after the batch before it, whose transactions are stored by then",
  async ({ db }) => {
    const transactions = crowd(db, hits(3));
    const alone = hit(db, "alone").then(async () => buckets(db));
    const later = crowd(db, [async (tx: Tx) => hit(tx, "later")]);
    assert.deepEqual((await alone).slice(0, 4), ["alone", "b100", "b101", "b102"]);
    for (const { status } of [...(await transactions), ...(await later)])
      assert.equal(status, "fulfilled");
  },
);

onSqlite(
  "DU-01: when the commit of a batch fails, none of its transactions was acknowledged and nothing of it is stored",
  async ({ db }) => {
    await sql`create table parents (id integer primary key)`.execute(db);
    await sql`create table children (parent integer references parents deferrable initially deferred)`.execute(
      db,
    );
    await new Promise(setImmediate);
    const settled = await crowd(db, [
      ...hits(3),
      async (tx) => void (await sql`insert into children values (1)`.execute(tx)),
    ]);
    for (const one of settled) assert.match(String(failureOf(one)), /FOREIGN KEY/);
    assert.deepEqual(await buckets(db), []);
    await db.transaction().execute(async (tx) => hit(tx, "after"));
    assert.deepEqual(await buckets(db), ["after"]);
  },
);

onSqlite(
  "no deferred constraint of the schema can make the commit of a batch fail",
  async ({ db }) => {
    const { rows } = await sql<{
      name: string;
    }>`select name from sqlite_schema where sql like ${"%deferr%"}`.execute(db);
    assert.deepEqual(rows, []);
  },
);

onSqlite(
  "DU-03: a disk that fills up fails every transaction not yet acknowledged, and room cures it",
  async ({ db }) => {
    await hit(db, "before");
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(db);
    await sql`pragma max_page_count = ${sql.lit((rows[0]?.page_count ?? 0) + 2)}`.execute(db);
    await new Promise(setImmediate);
    const settled = await crowd(db, [
      ...hits(3),
      async (tx) => hit(tx, "x".repeat(100_000)),
      async (tx) => hit(tx, "next"),
    ]);
    for (const one of settled.slice(0, 4))
      assert.ok(isUnavailable(failureOf(one)), String(failureOf(one)));
    assert.equal(settled[4]?.status, "fulfilled");
    assert.deepEqual(await buckets(db), ["before", "next"]);
    await sql`pragma max_page_count = 1000000`.execute(db);
    assert.ok((await crowd(db, hits(3))).every(({ status }) => status === "fulfilled"));
    assert.equal((await buckets(db)).length, 5);
  },
);

onSqlite(
  "a transaction that waits for its commit when the database is closed is committed",
  async ({ db, options, ...database }) => {
    const told: string[] = [];
    await db.transaction().execute(async (tx) => hit(tx, "at once"));
    const soon = db
      .transaction()
      .execute(async (tx) => hit(tx, "soon"))
      .then(() => told.push("soon"));
    for (let i = 0; i < 20; i += 1) assert.deepEqual(await buckets(db), ["at once"]);
    assert.deepEqual(told, []);
    await database.close();
    await soon;
    const again = await openDatabase(options);
    assert.deepEqual(await buckets(again.db), ["at once", "soon"]);
    await again.close();
  },
);

onSqlite(
  "DU-01: kill -9 amid a storm of transactions loses none that was acknowledged",
  async ({ db, options }) => {
    const open = new URL("../open.ts", import.meta.url).href;
    const storm = `
    import { writeSync } from "node:fs";
    const { openDatabase } = await import(${JSON.stringify(open)});
    const { db } = await openDatabase({ file: process.env.STORM_FILE, log: undefined });
    const worker = async (name) => {
      for (let i = 0; ; i += 1) {
        const bucket = name + "-" + i;
        await db.transaction().execute(async (tx) => {
          await tx.insertInto("attempts").values({ bucket, count: 0, window_ends_at: 0 }).execute();
          if (i % 3 === 0) await new Promise(setImmediate);
          await tx.updateTable("attempts").set({ count: 1 }).where("bucket", "=", bucket).execute();
        });
        writeSync(1, bucket + "\\n");
      }
    };
    for (let w = 0; w < 16; w += 1) void worker(process.env.STORM_ROUND + "-" + w);`;
    const acknowledged: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      const env = {
        PATH: process.env["PATH"],
        NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
        STORM_FILE: options.file,
        STORM_ROUND: String(round),
      };
      const child = spawn(process.execPath, ["--input-type=module", "-e", storm], {
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const exited = once(child, "exit");
      const complaints = text(child.stderr);
      const enough = 200 + 97 * round;
      let heard = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged.push(line);
        heard += 1;
        if (heard === enough) child.kill("SIGKILL");
      }
      await exited;
      assert.equal(await complaints, "");
      assert.ok(heard >= enough, `only ${heard} were acknowledged`);
    }
    const stored = new Map(
      (await db.selectFrom("attempts").select(["bucket", "count"]).execute()).map((row) => [
        row.bucket,
        row.count,
      ]),
    );
    assert.deepEqual(
      acknowledged.filter((bucket) => stored.get(bucket) !== 1),
      [],
    );
    assert.deepEqual(
      [...stored].filter(([, count]) => count !== 1),
      [],
    );
  },
);
