import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { eachDatabase } from "../../../platform/db/testing.ts";
import {
  deploymentOn,
  done,
  folder,
  freshDeployment,
  makeSuperuser,
  portcullis,
  portcullisAlone,
  portcullisReading,
  SECRET,
  send,
  signIn,
  statusOf,
  withServer,
  type Environment,
  type Server,
  type Tokens,
} from "../testing.ts";
import { readHeader, readRows } from "./format.ts";

type Row = readonly (string | number | null | { readonly base64: string })[];

const linesOf = (file: string): string[] =>
  gunzipSync(readFileSync(file)).toString("utf8").trimEnd().split("\n");

/** Returns the rows of one table as objects. */
function rowsOf(file: string, table: string): readonly Record<string, Row[number]>[] {
  const [head = "", ...lines] = linesOf(file);
  const { tables } = JSON.parse(head) as { readonly tables: Record<string, readonly string[]> };
  const rows = lines.slice(0, -1).map((line) => JSON.parse(line) as readonly [string, Row]);
  return rows
    .filter(([name]) => name === table)
    .map(([, row]) =>
      Object.fromEntries(
        (tables[table] ?? []).map((column, index) => [column, row[index] ?? null]),
      ),
    );
}

async function backUpWhileWriting(
  environment: Environment,
  server: Server,
  { accessToken }: Tokens,
  file: string,
): Promise<void> {
  let writing = true;
  const write = async (): Promise<number> => {
    let written = 0;
    for (; writing; written += 1) {
      const response = await send(
        `${server.url}/v1/me`,
        "PATCH",
        { profile: { displayName: `Anna ${written}` } },
        accessToken,
      );
      assert.equal(response.status, 200);
      await response.arrayBuffer();
    }
    return written;
  };
  const writer = write();
  try {
    const { stdout } = await portcullisAlone(environment, "backup", file);
    assert.match(stdout, /master secret is not in it/);
  } finally {
    writing = false;
  }
  assert.ok((await writer) > 10);
}

test("DU-04: a backup taken during writes is the state of one moment, and once it is restored no earlier or later token is valid", async () => {
  const environment = freshDeployment();
  const file = join(folder(), "backup.gz");
  const password = await makeSuperuser(environment);
  const [before, since] = await withServer(environment, async (server) => {
    const old = await signIn(server, password);
    await backUpWhileWriting(environment, server, old, file);
    assert.equal(
      (await portcullis(environment, "restore", file, "--replace")).stderr,
      `portcullis: A server uses ${environment["PORTCULLIS_DATA_DIR"]}: stop it first.\n`,
    );
    // So many sign-outs in one second bring the epoch ahead of the clock.
    let latest = old;
    for (let times = 0; times < 5; times += 1) {
      const { accessToken } = latest;
      const ended = await send(`${server.url}/v1/sessions`, "DELETE", undefined, accessToken);
      assert.equal(ended.status, 204);
      latest = await signIn(server, password);
    }
    return [old, latest];
  });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!gunzipSync(readFileSync(file)).includes(SECRET));
  const events = rowsOf(file, "audit_events");
  assert.deepEqual(
    rowsOf(file, "audit_head").map((head) => head["position"]),
    [events.length],
  );

  assert.match(
    (await portcullis(environment, "restore", file)).stderr,
    /The database is in use: .+ --replace/,
  );
  await done(environment, "restore", file, "--replace");
  await withServer(environment, async (server) => {
    for (const tokens of [before, since]) {
      assert.equal(await statusOf(server, tokens), 401);
      assert.equal(
        (
          await send(`${server.url}/v1/sessions/refresh`, "POST", {
            refreshToken: tokens.refreshToken,
          })
        ).status,
        401,
      );
    }
    assert.equal(await statusOf(server, await signIn(server, password)), 200);
    const joined = ["createsuperuser", "--email", "new@example.com", "--password-stdin"];
    assert.equal((await portcullisReading("seven quiet herons", environment, ...joined)).code, 0);
    const tokens = await signIn(server, "seven quiet herons", "new@example.com");
    assert.equal(
      await statusOf(server, tokens),
      200,
      "a user who is newer than the restored epoch",
    );
  });
  assert.match(await done(environment, "doctor"), /^ok +audit/m);

  // Tokens minted after the backup can live for the longest lifetime allowed, whatever the restored
  // sessions say.
  const second = join(folder(), "second.gz");
  await done(environment, "backup", second);
  const revocation = rowsOf(second, "revocations").find((row) => row["scope"] === "all");
  assert.ok(Number(revocation?.["expires_at"]) - Number(revocation?.["created_at"]) >= 3600);
});

test("a backup that was cut short or changed, or that belongs to another secret, is refused and changes nothing", async () => {
  const environment = freshDeployment();
  const target = freshDeployment();
  const home = folder();
  const file = join(home, "backup.gz");
  await makeSuperuser(environment);
  await done(environment, "backup", file);
  assert.equal(
    (await portcullis(environment, "backup", file)).code,
    1,
    "a backup replaces no file",
  );
  await makeSuperuser(target);

  const whole = readFileSync(file);
  const lines = linesOf(file);
  const newer = [
    (lines[0] ?? "").replace('"0001-start"', '"0001-start","9999-later"'),
    ...lines.slice(1),
  ];
  const place = (name: string, content: Buffer | string): string => {
    const path = join(home, name);
    writeFileSync(path, typeof content === "string" ? gzipSync(content) : content);
    return path;
  };
  const edited = place(
    "edited.gz",
    gunzipSync(whole).toString("utf8").replaceAll("admin@example.com", "mallory@example.com"),
  );
  for (const path of [
    edited,
    place("cut.gz", whole.subarray(0, whole.length - 20)),
    place("short.gz", `${lines.slice(0, -1).join("\n")}\n`),
  ]) {
    await assert.rejects(Array.fromAsync(readRows(path)), /is damaged or was changed/, path);
  }
  await assert.rejects(
    readHeader(place("other.gz", Buffer.from("not a backup"))),
    /is not a backup of Portcullis/,
  );

  assert.match(
    (await portcullis(target, "restore", edited, "--replace")).stderr,
    /is damaged or was changed: use another backup. Nothing was restored/,
  );
  const refused = await portcullis(
    target,
    "restore",
    place("newer.gz", `${newer.join("\n")}\n`),
    "--replace",
  );
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /made by a newer Portcullis \(9999-later\)/);
  const secret = "another-master-secret-9876543210-zyxwvuts";
  assert.match(
    (await portcullis({ ...target, PORTCULLIS_SECRET: secret }, "restore", file, "--replace"))
      .stderr,
    /under another master secret/,
  );
  const { PORTCULLIS_SECRET: _, ...without } = freshDeployment();
  assert.match(
    (await portcullis(without, "restore", file)).stderr,
    /The master secret of the backed-up server is needed/,
  );

  assert.equal((await done(target, "users", "list", "--json")).trim().split("\n").length, 1);
  assert.doesNotMatch(await done(target, "doctor"), /^FAIL/m);
});

eachDatabase(
  "a deployment moves from the embedded database into an empty one of either kind, keeps its numbers and never reuses them",
  async (database) => {
    const [from, to] = [freshDeployment(), deploymentOn(database)];
    const [first, second] = [join(folder(), "from.gz"), join(folder(), "to.gz")];
    const create = async (environment: typeof from, email: string) =>
      assert.equal(
        (
          await portcullisReading(
            "gliding over quiet fjords",
            environment,
            "createsuperuser",
            "--email",
            email,
            "--password-stdin",
          )
        ).code,
        0,
      );
    await create(from, "anna@example.com");
    await create(from, "bo@example.com");
    await create(from, "cy@example.com");
    await done(from, "users", "delete", "cy@example.com", "--yes");
    await done(from, "backup", first);

    await done(to, "restore", first);
    await create(to, "di@example.com");
    await done(to, "backup", second);
    const people = (file: string) =>
      rowsOf(file, "users").map(({ hard_epoch: _epoch, ...row }) => row);
    assert.deepEqual(people(second).slice(0, 2), people(first));
    assert.deepEqual(
      people(second).map((row) => row["number"]),
      [1, 2, 4],
    );
    assert.deepEqual(
      rowsOf(second, "audit_events").slice(0, 5),
      rowsOf(first, "audit_events").slice(0, 5),
    );
    assert.ok(
      rowsOf(second, "audit_events").some(
        (row) => row["event"] === "backup.restored" && row["actor_kind"] === "operator",
      ),
    );
    assert.doesNotMatch(await done(to, "doctor"), /^FAIL/m);

    await withServer(to, async (server) => {
      const anna = await signIn(server, "gliding over quiet fjords", "anna@example.com");
      assert.equal(await statusOf(server, anna), 200);
    });
  },
);
