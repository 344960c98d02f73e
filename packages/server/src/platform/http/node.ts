import { getRequestListener, RequestError } from "@hono/node-server";
import type { FailureCode } from "@portcullis/contract";
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { App } from "./app.ts";
import type { Problem } from "./problem.ts";

export interface ListenDeps extends App {
  readonly host: string;
  /** If it is 0, the system picks a free port. */
  readonly port: number;
  readonly log: Log;
  readonly clock: Clock;
  readonly limits?: Partial<Limits>;
}

/** Limits on how much of this server one client can hold (IN-08). */
export interface Limits {
  readonly headerSeconds: number;
  readonly requestSeconds: number;
  /**
   * How long a connection may wait for its next request. It is longer than common load balancers
   * keep their connections.
   */
  readonly keepAliveSeconds: number;
  /** How long a connection may stay open while nothing moves in either direction. */
  readonly silentSeconds: number;
  readonly connections: number;
}

const MAX_HEADER_BYTES = 16_384;
const MAX_BODY_BYTES = 65_536;
const DRAIN_STEP_MILLISECONDS = 25;
const usual: Limits = {
  headerSeconds: 10,
  requestSeconds: 30,
  keepAliveSeconds: 65,
  silentSeconds: 120,
  connections: 10_000,
};

export interface Listening {
  readonly port: number;
  /**
   * Accepts no new connection, lets running requests finish, and cuts those that are not done after
   * `graceSeconds`.
   */
  close(graceSeconds: number): Promise<void>;
}

export async function listen(deps: ListenDeps): Promise<Listening> {
  const limits = { ...usual, ...deps.limits };
  const { host, port, log, clock } = deps;
  const listener = getRequestListener(deps.fetch, {
    errorHandler: (error) => {
      if (!(error instanceof RequestError)) log.error("http.listener_fault", {}, error);
      const { status, body, headers } = deps.refuse(
        error instanceof RequestError ? "malformed_request" : "internal",
      );
      return new Response(body, { status, headers: { ...headers } });
    },
  });
  const server = createServer(
    {
      headersTimeout: limits.headerSeconds * 1000,
      requestTimeout: limits.requestSeconds * 1000,
      keepAliveTimeout: limits.keepAliveSeconds * 1000,
      // A time-out is noticed at most this much too late.
      connectionsCheckingInterval: Math.min(1000, limits.headerSeconds * 250),
      maxHeaderSize: MAX_HEADER_BYTES,
      insecureHTTPParser: false,
      // Otherwise Node drops the second of two Authorization or Content-Type headers unseen.
      joinDuplicateHeaders: true,
      // The listener refuses a request without a Host header. Unlike Node, it sends a problem and
      // the security headers.
      requireHostHeader: false,
      noDelay: true,
    },
    (incoming, outgoing) => void listener(incoming, outgoing),
  );
  server.timeout = limits.silentSeconds * 1000;
  server.maxConnections = limits.connections;
  server.on("clientError", (error: NodeJS.ErrnoException, socket) =>
    refuseUnparsed(deps, error, socket),
  );
  server.on("checkContinue", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    if (Number(incoming.headers["content-length"] ?? 0) <= MAX_BODY_BYTES) outgoing.writeContinue();
    void listener(incoming, outgoing);
  });
  server.on("drop", () => log.warn("http.connection_dropped", { limit: limits.connections }));

  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });

  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  assert(address !== null && typeof address === "object", "the server listens on a port");
  return {
    port: address.port,
    close: async (graceSeconds) => drain(server, sockets, clock, graceSeconds),
  };
}

async function drain(
  server: Server,
  sockets: ReadonlySet<Socket>,
  clock: Clock,
  graceSeconds: number,
): Promise<void> {
  const closed = new Promise<"closed">((resolve) => server.close(() => resolve("closed")));
  const until = clock.monotonicMilliseconds() + graceSeconds * 1000;
  // Node counts a connection that has not sent anything yet as busy.
  for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  while (clock.monotonicMilliseconds() < until) {
    server.closeIdleConnections();
    if ((await Promise.race([closed, clock.sleep(DRAIN_STEP_MILLISECONDS)])) === "closed") return;
  }
  server.closeAllConnections();
  await closed;
}

function refuseUnparsed(deps: ListenDeps, error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET" || answerHasBegun(socket)) {
    socket.destroy();
    return;
  }
  socket.end(onTheWire(deps.refuse(codeOf(error))));
}

function codeOf(error: NodeJS.ErrnoException): FailureCode {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return "headers_too_large";
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return "request_timeout";
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return "body_too_large";
    default:
      return "malformed_request";
  }
}

/**
 * Tells whether bytes of an answer have left, which Node reveals only here. A client could take a
 * second answer in their midst for the answer to another request.
 */
function answerHasBegun(socket: Duplex): boolean {
  const answering: unknown = Reflect.get(socket, "_httpMessage");
  return (
    typeof answering === "object" &&
    answering !== null &&
    Reflect.get(answering, "headersSent") === true
  );
}

function onTheWire({ status, body, headers }: Problem): string {
  const fields = {
    ...headers,
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`, ...lines, "", body].join("\r\n");
}
