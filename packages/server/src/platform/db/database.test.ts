import assert from "node:assert/strict";
import { once } from "node:events";
import { statSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { sql } from "kysely";
import { silentLog } from "../kernel/log.ts";
import { StartError } from "./gates.ts";
import { openDatabase, type Queryable } from "./open.ts";
import { isUnavailable, isUniqueViolation } from "./storage-errors.ts";
import { eachDatabase, onPostgres, onSqlite } from "./testing.ts";

async function addUser(
  db: Queryable,
  id: string,
  more: { readonly email_canonical?: string; readonly password_sealed?: Uint8Array } = {},
) {
  await db
    .insertInto("users")
    .values({ id, profile: "{}", hard_epoch: 0, authorization_epoch: 0, created_at: 1, ...more })
    .execute();
}

async function hit(db: Queryable, bucket: string): Promise<void> {
  await db.insertInto("attempts").values({ bucket, count: 0, window_ends_at: 0 }).execute();
}

async function buckets(db: Queryable): Promise<readonly string[]> {
  return (await db.selectFrom("attempts").select("bucket").orderBy("bucket").execute()).map(
    (row) => row.bucket,
  );
}

const many = async <T>(count: number, one: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, async (_, i) => one(i)));

eachDatabase("one of 50 concurrent guarded updates succeeds", async ({ db }) => {
  await addUser(db, "u");
  const taken = await many(50, async (i) =>
    db
      .updateTable("users")
      .set({ disabled_at: i })
      .where("id", "=", "u")
      .where("disabled_at", "is", null)
      .returning("id")
      .executeTakeFirst(),
  );
  assert.equal(taken.filter((row) => row !== undefined).length, 1);
});

eachDatabase(
  "50 concurrent transactions that read, wait and write lose no update",
  async ({ db }) => {
    await hit(db, "b");
    await many(50, async () =>
      db.transaction().execute(async (tx) => {
        const { count } = await tx
          .selectFrom("attempts")
          .select("count")
          .where("bucket", "=", "b")
          .forUpdate()
          .executeTakeFirstOrThrow();
        await new Promise(setImmediate);
        await tx
          .updateTable("attempts")
          .set({ count: count + 1 })
          .where("bucket", "=", "b")
          .execute();
      }),
    );
    assert.deepEqual(await db.selectFrom("attempts").select("count").execute(), [{ count: 50 }]);
  },
);

eachDatabase("a write outside a transaction does not slip into another's", async ({ db }) => {
  let alone: Promise<void> | undefined;
  const failed = db.transaction().execute(async (tx) => {
    await hit(tx, "inside");
    alone = hit(db, "alone");
    await new Promise(setImmediate);
    throw new Error("take it back");
  });
  await assert.rejects(failed, /take it back/);
  await alone;
  assert.deepEqual(await buckets(db), ["alone"]);
});

eachDatabase(
  "an uncommitted change is not seen by others, and a reader does not wait for it",
  async ({ db }) => {
    await db.transaction().execute(async (tx) => {
      await hit(tx, "b");
      assert.deepEqual(await buckets(db), []);
      assert.deepEqual(await buckets(tx), ["b"]);
    });
    assert.deepEqual(await buckets(db), ["b"]);
  },
);

eachDatabase("a transaction that refuses still commits what it wrote before", async ({ db }) => {
  const outcome = await db.transaction().execute(async (tx) => {
    await hit(tx, "b");
    return { kind: "refused" };
  });
  assert.deepEqual(outcome, { kind: "refused" });
  assert.deepEqual(await buckets(db), ["b"]);
});

eachDatabase(
  "a commit that fails takes everything back and leaves the database usable",
  async ({ db, dialect }) => {
    const deferrable = dialect === "sqlite" ? "integer" : "bigint";
    await sql`create table parents (id ${sql.raw(deferrable)} primary key)`.execute(db);
    await sql`create table children (parent ${sql.raw(deferrable)} references parents deferrable initially deferred)`.execute(
      db,
    );
    const failed = db.transaction().execute(async (tx) => {
      await hit(tx, "b");
      await sql`insert into children values (1)`.execute(tx);
    });
    await assert.rejects(failed, /FOREIGN KEY|foreign key/);
    assert.deepEqual(await buckets(db), []);
    await db.transaction().execute(async (tx) => hit(tx, "after"));
    assert.deepEqual(await buckets(db), ["after"]);
  },
);

eachDatabase("row locks may be asked for in every form", async ({ db }) => {
  await hit(db, "b");
  const rows = db.selectFrom("attempts").select("bucket").where("bucket", "=", "b");
  await db.transaction().execute(async (tx) => {
    for (const query of [
      rows.forUpdate(),
      rows.forShare(),
      rows.forNoKeyUpdate(),
      rows.forUpdate().skipLocked(),
      rows.forUpdate().noWait(),
    ])
      assert.deepEqual((await tx.executeQuery(query)).rows, [{ bucket: "b" }]);
  });
});

eachDatabase("bytes come back as they went in", async ({ db }) => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  await addUser(db, "u", { password_sealed: bytes });
  await addUser(db, "empty", { password_sealed: new Uint8Array() });
  const rows = await db.selectFrom("users").select("password_sealed").orderBy("number").execute();
  assert.ok(rows[0]?.password_sealed instanceof Uint8Array);
  assert.deepEqual(
    rows.map((row) => Buffer.from(row.password_sealed ?? "").toString("hex")),
    [Buffer.from(bytes).toString("hex"), ""],
  );
});

eachDatabase("integers come back as numbers, counted and summed too", async ({ db }) => {
  await db
    .insertInto("attempts")
    .values({ bucket: "b", count: 2 ** 52, window_ends_at: 4_102_444_800 })
    .execute();
  const row = await db
    .selectFrom("attempts")
    .select((e) => [
      "window_ends_at",
      e.fn.countAll<number>().as("rows"),
      e.fn.sum<number>("count").as("total"),
    ])
    .groupBy("window_ends_at")
    .executeTakeFirstOrThrow();
  assert.deepEqual(row, { window_ends_at: 4_102_444_800, rows: 1, total: 2 ** 52 });
});

eachDatabase("a user's number is not given again after the user is deleted", async ({ db }) => {
  for (const id of ["a", "b"]) await addUser(db, id);
  const last = await db
    .deleteFrom("users")
    .where("id", "=", "b")
    .returning("number")
    .executeTakeFirstOrThrow();
  await addUser(db, "c");
  const next = await db
    .selectFrom("users")
    .select("number")
    .where("id", "=", "c")
    .executeTakeFirstOrThrow();
  assert.ok(next.number > last.number, `${next.number} after ${last.number}`);
});

eachDatabase(
  "a taken address is told from a taken name, and from any other fault",
  async ({ db }) => {
    await addUser(db, "a", { email_canonical: "ann@example.org" });
    const error: unknown = await addUser(db, "b", { email_canonical: "ann@example.org" }).catch(
      (e: unknown) => e,
    );
    assert.ok(isUniqueViolation(error) && isUniqueViolation(error, "email_canonical"));
    assert.ok(!isUniqueViolation(error, "username_canonical"));
    assert.ok(!isUnavailable(error));
    const sameBucket: unknown = await hit(db, "b")
      .then(async () => hit(db, "b"))
      .catch((e: unknown) => e);
    assert.ok(isUniqueViolation(sameBucket));
  },
);

eachDatabase(
  "a parameter that is not text, a number or bytes is a fault and not a guess",
  async ({ db }) => {
    const before = await buckets(db);
    for (const value of [undefined, Number.NaN, new Date(0), { bucket: "b" }])
      await assert.rejects(
        sql`insert into attempts values (${"b"}, ${value}, 0)`.execute(db),
        /query parameter 2/,
      );
    await assert.rejects(
      sql`insert into attempts values (${"b"}, ${true}, 0)`.execute(db),
      /query parameter 2|bigint/,
    );
    assert.deepEqual(await buckets(db), before);
  },
);

eachDatabase("text sorts by code point on either database", async ({ db }) => {
  for (const bucket of ["b", "Z", "a", "ä", "_", "~", "é", "😀", "ﬁ"]) await hit(db, bucket);
  assert.deepEqual(await buckets(db), ["Z", "_", "a", "b", "~", "ä", "é", "ﬁ", "😀"]);
});

eachDatabase("deleting a user deletes the sessions", async ({ db }) => {
  await addUser(db, "u");
  await db
    .insertInto("sessions")
    .values({
      id: "s",
      user_id: "u",
      generation: 1,
      rotated_at: 1,
      hard_epoch: 0,
      auth_time: 1,
      amr: "[]",
      acr: "1",
      created_at: 1,
      last_used_at: 1,
      idle_ends_at: 2,
      ends_at: 2,
      max_access_exp: 2,
      address: "",
      user_agent: "",
    })
    .execute();
  await db.deleteFrom("users").where("id", "=", "u").execute();
  assert.deepEqual(await db.selectFrom("sessions").select("id").execute(), []);
});

eachDatabase("every statement sent is counted", async ({ db, queries }) => {
  await buckets(db);
  const before = queries();
  await buckets(db);
  assert.equal(queries() - before, 1);
  await db.transaction().execute(async (tx) => hit(tx, "b"));
  assert.equal(queries() - before, 4);
});

eachDatabase(
  "a database that was opened and never asked can be closed, twice",
  async ({ options }) => {
    const other = await openDatabase(options);
    await other.close();
    await other.close();
  },
);

onSqlite(
  "the data version of SQLite changes when, and only when, somebody has committed",
  async ({ db, options, ...database }) => {
    const other = await openDatabase(options);
    const first = database.dataVersion();
    await buckets(db);
    await other.db.transaction().execute(async (tx) => {
      await hit(tx, "elsewhere");
      assert.equal(database.dataVersion(), first);
    });
    const second = database.dataVersion();
    assert.notEqual(second, first);
    assert.equal(database.dataVersion(), second);
    await hit(db, "here");
    assert.notEqual(database.dataVersion(), second);
    await other.close();
  },
);

onSqlite("the database file and its folder are their owner's only", async ({ options }) => {
  const file = join(options.file, "..", "data", "portcullis.db");
  const fresh = await openDatabase({ file, log: silentLog });
  await sql`create table t (x)`.execute(fresh.db);
  const mode = (path: string): number => statSync(path).mode & 0o777;
  assert.deepEqual(
    [mode(join(file, "..")), mode(file), mode(`${file}-wal`), mode(`${file}-shm`)],
    [0o700, 0o600, 0o600, 0o600],
  );
  await fresh.close();
});

onSqlite(
  "DU-03: a disk that fills up inside a transaction takes all of it back, and room cures it without a restart",
  async ({ db }) => {
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(db);
    await sql`pragma max_page_count = ${sql.lit((rows[0]?.page_count ?? 0) + 2)}`.execute(db);
    let after: unknown;
    const full: unknown = await db
      .transaction()
      .execute(async (tx) => {
        await hit(tx, "before");
        const failure: unknown = await hit(tx, "x".repeat(100_000)).catch((e: unknown) => e);
        after = await hit(tx, "after").catch((e: unknown) => e);
        throw failure;
      })
      .catch((e: unknown) => e);
    assert.ok(isUnavailable(full), String(full));
    assert.ok(after === undefined || after instanceof Error);
    assert.deepEqual(await buckets(db), []);
    await sql`pragma max_page_count = 1000000`.execute(db);
    await db.transaction().execute(async (tx) => hit(tx, "b"));
    assert.deepEqual(await buckets(db), ["b"]);
  },
);

onSqlite(
  "after SQLite itself ended a transaction, none of its later statements commits alone",
  async ({ db }) => {
    const failed = db.transaction().execute(async (tx) => {
      await hit(tx, "before");
      await sql`rollback`.execute(tx);
      await hit(tx, "after");
    });
    await assert.rejects(failed, /rolled this transaction back/);
    assert.deepEqual(await buckets(db), []);
    await hit(db, "b");
    assert.deepEqual(await buckets(db), ["b"]);
  },
);

onPostgres(
  "a lost connection is unavailability, and the next request works",
  async ({ db, ...database }) => {
    const admin = await database.connectDirect();
    const failed = db.transaction().execute(async (tx) => {
      await hit(tx, "b");
      await admin.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
      );
      await aMoment();
      await hit(tx, "c");
    });
    const error: unknown = await failed.catch((e: unknown) => e);
    assert.ok(isUnavailable(error), String(error));
    assert.deepEqual(await buckets(db), []);
    await admin.end();
  },
);

async function aMoment(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await new Promise(setImmediate);
}

eachDatabase("a database that cannot be opened is refused with a sentence", async ({ dialect }) => {
  const options = { log: silentLog, file: "/dev/null/portcullis.db" };
  const opened = openDatabase(
    dialect === "sqlite" ? options : { ...options, url: "postgres://nobody@127.0.0.1:9/nothing" },
  );
  await assert.rejects(
    opened,
    (error) => error instanceof StartError && /check/.test(error.message),
  );
  await assert.rejects(
    openDatabase({ ...options, url: "mysql://localhost" }),
    /must begin with postgres:/,
  );
});

onPostgres("KY-07: a PostgreSQL that may lose commits is not opened", async (database) => {
  const url = new URL(database.options.url ?? "");
  url.searchParams.set("options", "-c synchronous_commit=off");
  await assert.rejects(
    openDatabase({ ...database.options, url: url.href }),
    /synchronous_commit is off/,
  );
});

eachDatabase(
  "when the network falls silent, a statement fails as unavailable and its connection is not used again",
  async ({ options, dialect }) => {
    if (dialect === "sqlite") return;
    const real = new URL(options.url ?? "");
    const sockets = new Set<Socket>();
    let silent = false;
    const proxy = createServer((near) => {
      const far = connect(Number(real.port), real.hostname);
      for (const socket of [near, far]) sockets.add(socket.on("error", () => {}));
      near.on("data", (chunk) => far.write(chunk));
      far.on("data", (chunk) => silent || near.write(chunk));
    });
    await once(proxy.listen(0, "127.0.0.1"), "listening");
    const address = proxy.address();
    assert.ok(typeof address === "object" && address !== null);
    const url = new URL(real);
    url.host = `127.0.0.1:${address.port}`;
    try {
      const cut = await openDatabase({
        ...options,
        url: url.href,
        statementTimeoutMilliseconds: 50,
      });
      await hit(cut.db, "before");
      silent = true;
      const error: unknown = await buckets(cut.db).catch((e: unknown) => e);
      assert.ok(isUnavailable(error), String(error));
      silent = false;
      assert.deepEqual(await buckets(cut.db), ["before"]);
      await cut.close();
    } finally {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    }
  },
);
