import assert from "node:assert/strict";
import { sql } from "kysely";
import { eachDatabase } from "../../platform/db/testing.ts";
import { transact } from "../../platform/db/transact.ts";
import { insertRevocation, listConcerning } from "./revocations.store.ts";

const revocation = (scope: "session" | "user" | "all", subject: string, expiresAt = 2000) => ({
  scope,
  subject,
  minHardEpoch: null,
  minAuthorizationEpoch: null,
  cause: "logout" as const,
  createdAt: 1000,
  expiresAt,
});

eachDatabase(
  "RV-23 the revocations that concern a session are its own, its user's and everyone's, while they are in force",
  async ({ db }) => {
    await transact({ db }, async (tx) => {
      await insertRevocation(tx, revocation("session", "mine"));
      await insertRevocation(tx, revocation("session", "another"));
      await insertRevocation(tx, revocation("user", "me"));
      await insertRevocation(tx, revocation("all", "*"));
      await insertRevocation(tx, revocation("user", "me", 1500));
    });
    const found = await transact({ db }, async (tx) =>
      listConcerning(tx, { sessionId: "mine", userId: "me" }, 1500),
    );
    assert.deepEqual(found.map((one) => one.revocation.subject).toSorted(), ["*", "me", "mine"]);
  },
);

eachDatabase(
  "RV-23 a repeated logout finds its revocations by an index, however long the log is",
  async ({ db, dialect }) => {
    const asked = sql`select * from revocations where subject in ('mine', 'me', '*')`;
    if (dialect === "sqlite") {
      const { rows } = await sql<{ detail: string }>`explain query plan ${asked}`.execute(db);
      assert.match(rows.map(({ detail }) => detail).join("\n"), /USING INDEX revocations_subject/);
      return;
    }
    await sql`insert into revocations (scope, subject, cause, created_at, expires_at)
      select 'session', 'subject ' || n, 'logout', 1, 2 from generate_series(1, 5000) n`.execute(
      db,
    );
    await sql`analyze revocations`.execute(db);
    const { rows } = await sql<Record<string, string>>`explain ${asked}`.execute(db);
    assert.match(rows.flatMap(Object.values).join("\n"), /revocations_subject/);
  },
);
