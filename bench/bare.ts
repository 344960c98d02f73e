// The baseline runs the same framework. It answers with the bytes and headers of a recorded answer
// and does nothing else.
import { readFileSync } from "node:fs";
import { serve } from "@hono/node-server";
import { Hono } from "hono";

/** A recorded answer, without the headers that the HTTP layer writes by itself. */
export interface Recording {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

// Our own runner wrote this file.
const recording = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Recording;
const app = new Hono();
app.get(recording.path, (c) => c.body(recording.body, 200, { ...recording.headers }));
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, (address) => {
  process.stdout.write(`bare ready on http://127.0.0.1:${address.port}\n`);
});
