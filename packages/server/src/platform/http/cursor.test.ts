import assert from "node:assert/strict";
import test from "node:test";
import { eachWorld, type AnswerOf } from "../../../test/world.ts";
import { keyring } from "../kernel/keyring.ts";
import { systemRandom } from "../kernel/random.ts";
import type { endpoints } from "@portcullis/contract";
import { cursorAfter, readCursor, type Listing } from "./cursor.ts";

const ring = keyring([Buffer.alloc(32, 1)], systemRandom);
const listing: Listing = ["users", "an", "active"];
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. ";

test("a cursor tells where a list continues", () => {
  for (const position of ["0", "1", "281474976710655", "0190a0a0-0000-7000-8000-000000000000"])
    assert.equal(readCursor(ring, listing, cursorAfter(ring, listing, position)), position);
});

test("AD-08: a cursor is invalid if any of its characters is changed to any other", () => {
  const cursor = cursorAfter(ring, listing, "4711");
  for (let at = 0; at < cursor.length; at += 1) {
    for (const other of alphabet) {
      if (other === cursor[at]) continue;
      assert.equal(
        readCursor(ring, listing, cursor.slice(0, at) + other + cursor.slice(at + 1)),
        undefined,
        `${other} at ${at}`,
      );
    }
  }
});

test("AD-08: a cursor that was cut, extended or invented is invalid", () => {
  const cursor = cursorAfter(ring, listing, "4711");
  for (let length = 0; length < cursor.length; length += 1)
    assert.equal(readCursor(ring, listing, cursor.slice(0, length)), undefined);
  for (const other of [
    `${cursor}A`,
    `${cursor}=`,
    ` ${cursor}`,
    `${cursor}\n`,
    "4711",
    "null",
    "{}",
  ])
    assert.equal(readCursor(ring, listing, other), undefined);
});

test("AD-08: a cursor is valid for its own list, filter and server only", () => {
  const cursor = cursorAfter(ring, listing, "4711");
  const others: readonly Listing[] = [
    ["users"],
    ["users", "an"],
    ["users", undefined, "active"],
    ["users", "active", "an"],
    ["audit", "an", "active"],
    ["users", "an", "active", undefined],
  ];
  for (const other of others)
    assert.equal(readCursor(ring, other, cursor), undefined, JSON.stringify(other));
  assert.equal(
    readCursor(keyring([Buffer.alloc(32, 2)], systemRandom), listing, cursor),
    undefined,
  );
});

test("a cursor outlives a change of the master secret", () => {
  const rotated = keyring([Buffer.alloc(32, 2), Buffer.alloc(32, 1)], systemRandom);
  assert.equal(readCursor(rotated, listing, cursorAfter(ring, listing, "4711")), "4711");
});

eachWorld("AD-08: every list refuses a changed cursor and names it", async (world) => {
  const superuser = await world.user({ superuser: true });
  const { accessToken: token } = await world.signIn(superuser);
  for (let i = 0; i < 2; i += 1) {
    const session = await world.signIn(await world.user());
    await world.request("DELETE", "/v1/sessions/current", { token: session.accessToken });
    await world.request("POST", "/v1/password-resets", { body: { email: superuser.email } });
    await world.request("POST", "/v1/admin/suppressions", {
      token,
      body: { address: `nobody${i}@example.com` },
    });
  }
  const cursors: string[] = [];
  for (const list of ["users", "audit", "revocations", "mails", "suppressions"]) {
    const path = `/v1/admin/${list}?limit=1`;
    const page = await world.request<AnswerOf<typeof endpoints.adminListUsers>>("GET", path, {
      token,
    });
    const cursor = page.body.nextCursor ?? assert.fail(`${list} has one page only`);
    cursors.push(cursor);
    assert.equal((await world.request("GET", `${path}&cursor=${cursor}`, { token })).status, 200);
    for (let at = 0; at < cursor.length; at += 1) {
      const changed = cursor.slice(0, at) + (cursor[at] === "A" ? "B" : "A") + cursor.slice(at + 1);
      const { status, body } = await world.request("GET", `${path}&cursor=${changed}`, { token });
      assert.deepEqual(
        [status, body.code, body["errors"]],
        [422, "invalid_input", [{ path: "/cursor", message: "is not a cursor of this list" }]],
      );
    }
  }
  assert.equal(
    (await world.request("GET", `/v1/admin/audit?cursor=${cursors[0]}`, { token })).status,
    422,
  );
  assert.equal(
    (await world.request("GET", `/v1/admin/users?status=active&cursor=${cursors[0]}`, { token }))
      .status,
    422,
  );
});

eachWorld("AD-08: lists sort and filter by nothing but what they offer", async (world) => {
  const { accessToken: token } = await world.signIn(await world.user({ superuser: true }));
  const tables = await world.database.db.introspection.getTables();
  const columns = tables.flatMap((table) => table.columns.map((column) => column.name));
  for (const name of new Set([
    ...columns,
    "sort",
    "order",
    "orderBy",
    "offset",
    "fields",
    "search[]",
    "__proto__",
  ])) {
    const { status, body } = await world.request(
      "GET",
      `/v1/admin/users?${encodeURIComponent(name)}=1`,
      { token },
    );
    assert.deepEqual([status, body.code], [422, "invalid_input"], name);
  }
  for (const query of [
    "status=deleted",
    "status=active&status=disabled",
    "limit=0",
    "limit=201",
    "limit=1e9",
    "limit=-1",
    "search=",
  ]) {
    assert.equal(
      (await world.request("GET", `/v1/admin/users?${query}`, { token })).status,
      422,
      query,
    );
  }
});
