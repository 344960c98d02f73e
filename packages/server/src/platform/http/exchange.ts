import type { Clock } from "../kernel/clock.ts";
import type { CookieCall } from "./cookies.ts";
import type { Headers } from "./headers.ts";
import type { WrittenPage } from "./page.ts";
import type { PathParams } from "./router.ts";
import type { AnyCall, Answer, Caller, Client } from "./serve.ts";

/**
 * The listener's knowledge in addition to the request. If there is no `incoming`, the request did
 * not come through a socket.
 */
export interface Bindings {
  readonly remoteAddress?: string | undefined;
  readonly incoming?: Incoming;
}

/** The part of Node's `IncomingMessage` that is read here. */
interface Incoming {
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

export interface ExchangeDeps {
  /** `clientAddresses` of the configured proxies. */
  readonly addressOf: (remote: string | undefined, forwardedFor: string | undefined) => string;
  readonly requestId: () => string;
  readonly clock: Clock;
}

const MAX_USER_AGENT = 512;
const NO_BYTES = new Uint8Array();
const PLAIN = /^[\x20-\x7e]*$/;

/**
 * One request on its way through the steps, and what they have found out so far. `client` is
 * computed at its first use, because most requests need none.
 */
export class Exchange implements AnyCall {
  readonly request: Request;
  /** The parameters in the path as they were sent; `params` are those that have been parsed. */
  readonly pathParams: PathParams;
  readonly requestId: string;
  readonly startedAt: number;
  /** The name in the log and in the metrics. */
  name = "none";
  caller: Caller | undefined = undefined;
  /** Set if the request may use its cookies. */
  cookies: CookieCall | undefined = undefined;
  params: unknown = undefined;
  query: unknown = undefined;
  body: Uint8Array = NO_BYTES;
  input: unknown = undefined;
  /** Set by the handler; a refusal ends the exchange and is never kept here. */
  answer: Answer<number, unknown> | WrittenPage | undefined = undefined;
  /** Headers that a step adds to the answer, whichever it will be. */
  addedHeaders: Headers | undefined = undefined;
  #setCookies: string[] | undefined = undefined;
  readonly #bindings: Bindings;
  readonly #addressOf: ExchangeDeps["addressOf"];
  #client: Client | undefined = undefined;

  constructor(deps: ExchangeDeps, request: Request, bindings: Bindings, pathParams: PathParams) {
    this.request = request;
    this.pathParams = pathParams;
    this.requestId = deps.requestId();
    this.startedAt = deps.clock.monotonicMilliseconds();
    this.#bindings = bindings;
    this.#addressOf = deps.addressOf;
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

  /** Adds a `Set-Cookie` header to the answer. */
  setCookie(line: string): void {
    (this.#setCookies ??= []).push(line);
  }

  get setCookies(): readonly string[] | undefined {
    return this.#setCookies;
  }

  /** Path and query as they were sent, which is also what the router reads (IN-15). */
  get target(): string {
    return targetOf(this.request, this.#bindings);
  }

  /**
   * Finds a header by its lower-case name. Several headers of one name are joined by commas, so
   * that two are never mistaken for one.
   */
  header(name: string): string | undefined {
    const { incoming } = this.#bindings;
    if (incoming === undefined) return this.request.headers.get(name) ?? undefined;
    const value = incoming.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /**
   * Whether a body was announced. Through a socket, only these two headers can announce one
   * (RFC 9112 §6).
   */
  get carriesBody(): boolean {
    if (this.header("transfer-encoding") !== undefined) return true;
    const length = this.header("content-length");
    if (length !== undefined) return length !== "0";
    return this.#bindings.incoming === undefined && this.request.body !== null;
  }
}

/**
 * Returns the request target in origin form. A target that was sent in absolute form has been
 * resolved, and so has lost its dot segments.
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
