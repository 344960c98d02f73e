import type { AnyCall, Caller, Client } from "./serve.ts";

/**
 * What the listener knows beside the request; without `incoming` the request came through no
 * socket.
 */
export interface Bindings {
  readonly remoteAddress?: string | undefined;
  readonly incoming?: Incoming;
}

/** The part of Node's IncomingMessage that is read here. */
interface Incoming {
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** `clientAddresses` of the configured proxies. */
export type AddressOf = (remote: string | undefined, forwardedFor: string | undefined) => string;

const MAX_USER_AGENT = 512;
const PLAIN = /^[\x20-\x7e]*$/;

/**
 * One request on its way through the checks. What nobody asks for is not worked out: `client` is
 * computed at first use.
 */
export class Exchange implements AnyCall {
  readonly request: Request;
  readonly requestId: string;
  readonly startedAt: number;
  input: unknown = undefined;
  params: unknown = undefined;
  query: unknown = undefined;
  caller: Caller | undefined = undefined;
  readonly #bindings: Bindings;
  readonly #addressOf: AddressOf;
  #client: Client | undefined = undefined;

  constructor(
    request: Request,
    bindings: Bindings,
    addressOf: AddressOf,
    requestId: string,
    startedAt: number,
  ) {
    this.request = request;
    this.requestId = requestId;
    this.startedAt = startedAt;
    this.#bindings = bindings;
    this.#addressOf = addressOf;
  }

  get client(): Client {
    return (this.#client ??= {
      address: this.address,
      userAgent: printable(this.header("user-agent") ?? ""),
    });
  }

  get address(): string {
    const remote =
      this.#bindings.incoming === undefined
        ? this.#bindings.remoteAddress
        : this.#bindings.incoming.socket.remoteAddress;
    return this.#addressOf(remote, this.header("x-forwarded-for"));
  }

  /** Path and query as sent; the guard reads what the router read (IN-15). */
  get target(): string {
    return targetOf(this.request, this.#bindings);
  }

  /**
   * A header by its lower-case name; several are joined by commas, so that two of one kind are
   * never mistaken for one.
   */
  header(name: string): string | undefined {
    const { incoming } = this.#bindings;
    if (incoming === undefined) return this.request.headers.get(name) ?? undefined;
    const value = incoming.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /** Whether a body was announced; through a socket, only these two headers can (RFC 9112 §6). */
  get carriesBody(): boolean {
    if (this.header("transfer-encoding") !== undefined) return true;
    const length = this.header("content-length");
    if (length !== undefined) return length !== "0";
    return this.#bindings.incoming === undefined && this.request.body !== null;
  }
}

/**
 * The request target in origin form. The absolute form is resolved, and so has lost its dot
 * segments.
 */
export function targetOf(request: Request, { incoming }: Bindings): string {
  if (incoming?.url?.startsWith("/")) return incoming.url;
  const { url } = request;
  return url.slice(url.indexOf("/", url.indexOf("://") + 3)).split("#", 1)[0] ?? "";
}

function printable(text: string): string {
  if (PLAIN.test(text)) return text.slice(0, MAX_USER_AGENT);
  return text
    .slice(0, MAX_USER_AGENT)
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, "\uFFFD")
    .toWellFormed();
}
