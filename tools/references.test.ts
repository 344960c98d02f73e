import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { logEvents } from "../packages/server/src/process/log-events.ts";
import { generatedDocuments } from "./references.ts";
import { logCalls, logCallsIn } from "./references/log-calls.ts";

const root = join(import.meta.dirname, "..");
const documents = await generatedDocuments();

test("the generated documents are what the code says today: `npm run docs` writes them", () => {
  assert.ok(documents.size >= 7);
  const outdated = [...documents].filter(
    ([path, text]) =>
      !existsSync(join(root, path)) || readFileSync(join(root, path), "utf8") !== text,
  );
  assert.deepEqual(
    outdated.map(([path]) => path),
    [],
  );
});

test("the references hold what the code declares", () => {
  for (const [path, words] of [
    ["docs/reference/endpoints.md", "| `POST /v1/sessions` |"],
    ["docs/reference/errors.md", "| `invalid_credentials` | 401 |"],
    ["docs/reference/audit-events.md", "| `session.opened` |"],
    ["docs/reference/metrics.md", "| `portcullis_http_request_duration_seconds` | histogram |"],
    ["docs/reference/metrics.md", "| `portcullis_revocation_view_fresh` | gauge |"],
    ["docs/reference/metrics.md", "| `portcullis_job_runs_total` | counter |"],
    ["docs/reference/log-events.md", "| `server.ready` | `info` |"],
    ["docs/configuration.md", "## PORTCULLIS_MODE"],
  ] as const)
    assert.ok(documents.get(path)?.includes(words), `${path} has no ${words}`);
});

test("every log event has a meaning, and every meaning an event", () => {
  const logged = new Set(logCalls().map(({ name }) => name));
  assert.ok(logged.size >= 20, `only ${logged.size} events seen`);
  assert.deepEqual([...logged].toSorted(), Object.keys(logEvents).toSorted());
});

test("log events are found in every way of writing them, and an unclear one is reported", () => {
  const source = [
    'const names = { a: "mail.a", b: "mail.b" };',
    'log.info("plain.event", {});',
    'deps.log.error(isGone ? "one.event" : "other.event", {}, error);',
    "log.warn(names[which]);",
    "log.warn(`${channel.name}.sent`);",
    'console.info("not.one"); schema.error("nor.this");',
  ].join("\n");
  assert.deepEqual(
    logCallsIn("a.ts", source).map(({ level, name }) => `${level} ${name}`),
    [
      "info plain.event",
      "error one.event",
      "error other.event",
      "warn mail.a",
      "warn mail.b",
      "warn mail.sent",
    ],
  );
  assert.throws(() => logCallsIn("a.ts", "log.info(name);"), /a\.ts.+cannot be told/);
});
