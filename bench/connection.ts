import { connect, type Socket } from "node:net";

export interface Wire {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/**
 * A keep-alive HTTP/1.1 connection that sends one request at a time. It reconnects if the server
 * closes it.
 */
export interface Connection {
  send(request: Uint8Array): Promise<Answer>;
  close(): void;
}

export function encode(host: string, wire: Wire): Buffer {
  const body = wire.json === undefined ? undefined : JSON.stringify(wire.json);
  const headers = {
    Host: host,
    ...(body === undefined
      ? {}
      : { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(body)) }),
    ...wire.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${wire.method} ${wire.path} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`);
}

/** @param localAddress a loopback address; limits per client then count the connection by itself */
export function openConnection(origin: URL, localAddress?: string): Connection {
  let socket: Socket | undefined;
  let received = Buffer.alloc(0);
  let waiting: PromiseWithResolvers<Answer> | undefined;

  const settle = (parsed: Parsed): void => {
    received = Buffer.alloc(0);
    if (parsed.closes) drop();
    waiting?.resolve(parsed.answer);
  };
  const fail = (error: Error): void => {
    drop();
    waiting?.reject(error);
  };
  const drop = (): void => {
    socket
      ?.removeAllListeners()
      .on("error", () => undefined)
      .destroy();
    socket = undefined;
  };
  const dial = (): Socket => {
    const dialled = connect({
      host: origin.hostname,
      port: Number(origin.port),
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    dialled.setNoDelay(true);
    dialled.on("data", (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const parsed = parse(received);
      if (parsed !== undefined) settle(parsed);
    });
    dialled.on("error", fail);
    dialled.on("close", () =>
      fail(new Error("the server closed the connection before it answered")),
    );
    return dialled;
  };
  return {
    send: async (request) => {
      waiting = Promise.withResolvers<Answer>();
      socket ??= dial();
      socket.write(request);
      return waiting.promise;
    },
    close: drop,
  };
}

/** Sends one request on a new connection. The body, if there is one, is sent as JSON. */
export async function call(
  origin: string,
  wire: Wire,
  localAddress?: string,
): Promise<Answer & { readonly json: unknown }> {
  const url = new URL(origin);
  const connection = openConnection(url, localAddress);
  const answer = await connection.send(encode(url.host, wire));
  connection.close();
  return {
    ...answer,
    json: /\r\ncontent-type: *application\/(\w+\+)?json/i.test(answer.headers)
      ? JSON.parse(answer.body)
      : undefined,
  };
}

/**
 * Returns a loopback address for the nth client, so that limits per client count each by itself.
 */
export function clientAddress(index: number): string {
  return `127.${1 + (index % 200)}.${1 + (Math.floor(index / 200) % 250)}.1`;
}

/**
 * Returns an address in a new network for the nth client, for the first 65,536 of them. A server
 * that trusts X-Forwarded-For then counts each by itself in limits per address and per subnet.
 */
export function forwardedAddress(index: number): string {
  return `10.${(index >> 8) & 255}.${index & 255}.${1 + ((index >> 16) & 127)}`;
}

/** Returns any member of an answer. */
export function part(json: unknown, name: string): unknown {
  return typeof json === "object" && json !== null ? Reflect.get(json, name) : undefined;
}

/** Returns a text member of an answer. */
export function member(json: unknown, name: string): string {
  const value = part(json, name);
  if (typeof value !== "string") throw new TypeError(`no ${name} in ${JSON.stringify(json)}`);
  return value;
}

interface Parsed {
  readonly answer: Answer;
  readonly closes: boolean;
}

function parse(bytes: Buffer): Parsed | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const headers = bytes.toString("latin1", 0, end);
  const body = bodyOf(headers, bytes.subarray(end + 4));
  if (body === undefined) return undefined;
  return {
    answer: { status: Number(headers.slice(9, 12)), headers, body },
    closes: /\r\nconnection: *close/i.test(headers),
  };
}

function bodyOf(headers: string, bytes: Buffer): string | undefined {
  const length = /\r\ncontent-length: *(\d+)/i.exec(headers)?.[1];
  if (length !== undefined)
    return bytes.length < Number(length) ? undefined : bytes.toString("utf8", 0, Number(length));
  if (!/\r\ntransfer-encoding: *chunked/i.test(headers)) return "";
  return bytes.subarray(-5).equals(LAST_CHUNK) ? unchunk(bytes) : undefined;
}

const LAST_CHUNK = Buffer.from("0\r\n\r\n");

function unchunk(bytes: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    if (size === 0) return Buffer.concat(parts).toString("utf8");
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
