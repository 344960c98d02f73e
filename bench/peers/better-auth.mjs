// better-auth on its SQLite through node:sqlite, as its pages set it up for production. Two
// differences, both in its favour: its rate limiter is off, and its database writes ahead. Its
// cookie cache stays off, as it is by default: with it a signed-out session lives on until the
// cache expires, and it is that promise which is compared.
import { once } from "node:events";
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";

const database = new DatabaseSync(process.argv[2] ?? ":memory:");
database.exec("pragma journal_mode = wal; pragma synchronous = full;");

const server = createServer().listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
const origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
const options = {
  database,
  baseURL: origin,
  secret: "bench-".repeat(8),
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { level: "error" },
};
await (await getMigrations(options)).runMigrations();
const handle = toNodeHandler(betterAuth(options));
server.on("request", (request, response) => void handle(request, response));
process.stdout.write(`better-auth ready on ${origin}\n`);
