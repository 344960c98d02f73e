import type { AccessClaims, Budget, EndCause, Endpoint, FailureCode } from "@portcullis/contract";
import { MAX_TOKEN_BYTES } from "@portcullis/verifier";
import assert from "node:assert/strict";
import type { Clock } from "../kernel/clock.ts";
import type { Facts, Log } from "../kernel/log.ts";
import { readBytes, readJson } from "./body.ts";
import type { Cors } from "./cors.ts";
import { Exchange, type AddressOf, type Bindings } from "./exchange.ts";
import { cacheable, type Headers } from "./headers.ts";
import type { Metrics, Series } from "./metrics.ts";
import type { Elsewhere, Page } from "./page.ts";
import { findings, problem, type Problem } from "./problem.ts";
import { readQuery } from "./query.ts";
import {
  refuse,
  type AnyReply,
  type Caller,
  type Client,
  type Members,
  type Refusal,
  type Route,
} from "./serve.ts";

export type Authentication =
  | { readonly kind: "verified"; readonly claims: AccessClaims }
  | {
      readonly kind: "refused";
      readonly code:
        | "invalid_token"
        | "token_expired"
        | "token_stale"
        | "session_ended"
        | "revocation_view_stale";
      readonly cause?: EndCause | undefined;
    };

export type Signature =
  | { readonly kind: "verified" }
  | Refusal<"invalid_signature" | "rate_limited">;

export type Allowance =
  | { readonly ok: true }
  | { readonly ok: false; readonly retryAfterSeconds: number };

export interface EdgeDeps {
  /** Answered without a promise, it costs the request no turn of the event loop. */
  readonly authenticate: (token: string) => Authentication | Promise<Authentication>;
  /**
   * Decides whether the caller may call the endpoint. Returns the refusal if not. May return
   * synchronously, which saves a turn of the event loop.
   */
  readonly authorize: (
    endpoint: Endpoint,
    caller: Caller,
  ) => AnyReply | undefined | Promise<AnyReply | undefined>;
  /** Whether the body, as it was sent, is signed by somebody who shares the secret. */
  readonly verifySignature: (
    signature: string | undefined,
    body: Uint8Array,
    client: Client,
  ) => Promise<Signature>;
  readonly allow: (budget: Budget, client: Client) => Promise<Allowance>;
  /** Whether a fault is the storage's, which passes: 503 instead of 500. */
  readonly isUnavailable: (error: unknown) => boolean;
  /** Whether answers are held against the contract before they leave: for development and tests. */
  readonly checkAnswers?: boolean;
  readonly addressOf: AddressOf;
  readonly log: Log;
  readonly clock: Clock;
  readonly requestId: () => string;
  readonly metrics: Metrics;
  readonly headers: Headers;
  readonly cors: Cors;
}

const SIGNATURE_HEADER = "portcullis-signature";

type Params = Readonly<Record<string, string>>;
type Answering = (
  request: Request,
  bindings: Bindings,
  params: Params,
) => Response | Promise<Response>;

/**
 * From request to response for one endpoint; the only place where refusals become problems and
 * faults are caught.
 */
export function edgeOf(deps: EdgeDeps, route: Route): Answering {
  const { endpoint } = route;
  assert(
    endpoint.access !== "signed" || endpoint.input !== undefined,
    `${endpoint.name} has no body that could be signed`,
  );
  const series = deps.metrics.series(endpoint.name);
  const headers = headersOf(deps, endpoint);
  const proceed = isPlain(endpoint) ? plain : checked;

  return (request, bindings, params) => {
    const exchange = receive(deps, request, bindings);
    try {
      const reply = admit(exchange, params);
      if (!(reply instanceof Promise)) return conclude(exchange, reply);
      return reply
        .then((r) => conclude(exchange, r))
        .catch((error: unknown) => fault(deps, endpoint.name, series, exchange, error));
    } catch (error) {
      return fault(deps, endpoint.name, series, exchange, error);
    }
  };

  function admit(exchange: Exchange, params: Params): AnyReply | Promise<AnyReply> {
    const turnedAway = route.turnAway?.();
    if (turnedAway !== undefined) return turnedAway;
    if (endpoint.access === "public" || endpoint.access === "signed")
      return proceed(exchange, params);
    const token = bearer(exchange.header("authorization"));
    if (token.kind === "refused") return refuse(token.code);
    const authentication = deps.authenticate(token.text);
    return authentication instanceof Promise
      ? authentication.then((a) => enter(exchange, params, a))
      : enter(exchange, params, authentication);
  }

  function enter(
    exchange: Exchange,
    params: Params,
    authentication: Authentication,
  ): AnyReply | Promise<AnyReply> {
    if (authentication.kind === "refused") {
      const { code, cause } = authentication;
      return refuse(code, cause === undefined ? {} : { cause });
    }
    const { claims } = authentication;
    exchange.caller = { userId: claims.sub, sessionId: claims.sid, claims };
    return proceed(exchange, params);
  }

  /** For a call that carries nothing to parse and draws on no budget. */
  function plain(exchange: Exchange): AnyReply | Promise<AnyReply> {
    if (exchange.carriesBody) return refuse("malformed_request");
    const { caller } = exchange;
    const denial = caller === undefined ? undefined : deps.authorize(endpoint, caller);
    return denial instanceof Promise
      ? denial.then((denied) => denied ?? route.handle(exchange))
      : (denial ?? route.handle(exchange));
  }

  async function checked(exchange: Exchange, params: Params): Promise<AnyReply> {
    const { caller } = exchange;
    if (caller !== undefined) {
      const denial = await deps.authorize(endpoint, caller);
      if (denial !== undefined) return denial;
    }
    if (endpoint.budget !== undefined) {
      const allowance = await deps.allow(endpoint.budget, exchange.client);
      if (!allowance.ok)
        return refuse("rate_limited", { retryAfterSeconds: allowance.retryAfterSeconds });
    }
    return (await parse(deps, endpoint, exchange, params)) ?? route.handle(exchange);
  }

  function conclude(exchange: Exchange, reply: AnyReply): Response {
    if (reply.kind === "refused")
      return refusal(deps, endpoint.name, series, exchange, reply.code, reply.members);
    const { status, body } = reply;
    if (deps.checkAnswers === true) checkAnswer(endpoint, status, body);
    record(deps, endpoint.name, series, exchange, status);
    if (body === undefined)
      return new Response(null, {
        status,
        headers: stamped(deps, exchange, status === 204 ? headers.bare : headers.empty),
      });
    return new Response(JSON.stringify(body), {
      status,
      headers: stamped(deps, exchange, headers.json),
    });
  }
}

/** From request to response for a page. */
export function edgeOfPage(deps: EdgeDeps, page: Page): Answering {
  const series = deps.metrics.series(page.name);
  return async (request, bindings, params) =>
    visit(deps, page, series, receive(deps, request, bindings), params);
}

/**
 * For every path the rest of the server has nothing at.
 *
 * @param methods what a script of another origin may be told it can send; whether the path has them
 *   is the dialect's to answer
 */
export function edgeOfElsewhere(
  deps: EdgeDeps,
  elsewhere: Elsewhere,
  methods: readonly string[],
): (request: Request, bindings: Bindings) => Promise<Response> {
  const none = deps.metrics.series("none");
  return async (request, bindings) => {
    const exchange = receive(deps, request, bindings);
    const preflight =
      request.method === "OPTIONS" ? preflightOf(deps, exchange, methods.join(", ")) : {};
    if ("access-control-allow-methods" in preflight) {
      record(deps, "none", none, exchange, 204);
      return new Response(null, {
        status: 204,
        headers: stamped(deps, exchange, { ...deps.headers, ...preflight }),
      });
    }
    const { page, params } = elsewhere.find(exchange.target.split("?", 1)[0] ?? "");
    return visit(deps, page, deps.metrics.series(page.name), exchange, params);
  };
}

async function visit(
  deps: EdgeDeps,
  page: Pick<Page, "name" | "visit">,
  series: Series,
  exchange: Exchange,
  params: Params,
): Promise<Response> {
  try {
    const { request, target, client, requestId } = exchange;
    const visited = await page.visit({
      request,
      target,
      header: (name) => exchange.header(name),
      params,
      client,
      requestId,
    });
    if (visited.kind === "not_found")
      return refusal(deps, page.name, series, exchange, "not_found");
    record(deps, page.name, series, exchange, visited.status);
    return new Response(visited.body, {
      status: visited.status,
      headers: {
        ...deps.headers,
        ...visited.headers,
        ...(deps.cors.enabled && deps.cors.headers(exchange.header("origin"))),
        "x-request-id": requestId,
      },
    });
  } catch (error) {
    return fault(deps, page.name, series, exchange, error);
  }
}

/** For a path or method nothing is served at; `methods` are those the path has. */
export function edgeOfNothing(
  deps: EdgeDeps,
): (request: Request, bindings: Bindings, methods: readonly string[]) => Response {
  const series = deps.metrics.series("none");
  return (request, bindings, methods) => {
    const exchange = receive(deps, request, bindings);
    if (methods.length === 0) return refusal(deps, "none", series, exchange, "not_found");
    const allow = methods.join(", ");
    if (request.method !== "OPTIONS")
      return refusal(deps, "none", series, exchange, "method_not_allowed", {}, { allow });
    record(deps, "none", series, exchange, 204);
    const preflight = preflightOf(deps, exchange, allow);
    return new Response(null, {
      status: 204,
      headers: stamped(deps, exchange, { ...deps.headers, ...preflight, allow }),
    });
  };
}

function preflightOf(deps: EdgeDeps, exchange: Exchange, methods: string): Headers {
  return deps.cors.preflight(
    exchange.header("origin"),
    exchange.header("access-control-request-method"),
    methods,
  );
}

/** A refusal of what could not even be parsed as a request. */
export function refuseUnparsed(
  deps: Pick<EdgeDeps, "headers" | "requestId">,
  code: FailureCode,
): Problem {
  const requestId = deps.requestId();
  const { status, body, headers } = problem(code, requestId, {});
  return { status, body, headers: { ...deps.headers, ...headers, "x-request-id": requestId } };
}

function receive(deps: EdgeDeps, request: Request, bindings: Bindings): Exchange {
  return new Exchange(
    request,
    bindings,
    deps.addressOf,
    deps.requestId(),
    deps.clock.monotonicMilliseconds(),
  );
}

function isPlain({ budget, params, query, input }: Endpoint): boolean {
  return budget === undefined && params === undefined && query === undefined && input === undefined;
}

type Bearer =
  | { readonly kind: "token"; readonly text: string }
  | { readonly kind: "refused"; readonly code: "unauthenticated" | "invalid_token" };

/**
 * What follows `Bearer` (RFC 6750 §2.1). Its characters are the verifier's to judge: of two headers
 * it sees both, joined by a comma, which no token contains.
 */
function bearer(authorization: string | undefined): Bearer {
  if (authorization === undefined || !/^bearer(?: |$)/i.test(authorization))
    return { kind: "refused", code: "unauthenticated" };
  const text = authorization.slice("Bearer ".length);
  return text === "" || text.length > MAX_TOKEN_BYTES
    ? { kind: "refused", code: "invalid_token" }
    : { kind: "token", text };
}

/** Puts the parsed parts into the exchange, or says what is wrong with the first part that is. */
async function parse(
  deps: EdgeDeps,
  endpoint: Endpoint,
  exchange: Exchange,
  params: Params,
): Promise<AnyReply | undefined> {
  if (endpoint.params !== undefined) {
    const parsed = endpoint.params.safeParse(params, { reportInput: true });
    if (!parsed.success && endpoint.failures.includes("not_found")) return refuse("not_found");
    if (!parsed.success) return invalid(parsed.error.issues);
    exchange.params = parsed.data;
  }
  if (endpoint.query !== undefined) {
    const query = readQuery(exchange.target);
    if (query.kind === "malformed") return refuse("malformed_request");
    if (query.kind === "repeated")
      return refuse("invalid_input", { errors: [{ ...query.finding }] });
    const parsed = endpoint.query.safeParse(query.value, { reportInput: true });
    if (!parsed.success) return invalid(parsed.error.issues);
    exchange.query = parsed.data;
  }
  if (endpoint.input === undefined)
    return exchange.carriesBody ? refuse("malformed_request") : undefined;
  const body = await readBytes(exchange.request, {
    contentType: exchange.header("content-type"),
    contentEncoding: exchange.header("content-encoding"),
    contentLength: exchange.header("content-length"),
  });
  if (body.kind === "refused") return refuse(body.code);
  if (endpoint.access === "signed") {
    const signature = await deps.verifySignature(
      exchange.header(SIGNATURE_HEADER),
      body.bytes,
      exchange.client,
    );
    if (signature.kind === "refused") return signature;
  }
  const json = readJson(body.bytes);
  if (json.kind === "refused") return refuse(json.code);
  const parsed = endpoint.input.safeParse(json.value, { reportInput: true });
  if (!parsed.success) return invalid(parsed.error.issues);
  exchange.input = parsed.data;
  return undefined;
}

function invalid(issues: Parameters<typeof findings>[0]): AnyReply {
  return refuse("invalid_input", { errors: findings(issues).map((finding) => ({ ...finding })) });
}

/** @throws {AssertionError} a fault of ours: the handler says what the contract does not */
function checkAnswer(endpoint: Endpoint, status: number, body: unknown): void {
  const schema = endpoint.answers[status];
  assert(
    schema !== undefined,
    `${endpoint.name} answers ${status}, which its contract does not list`,
  );
  if (schema === null)
    return assert(body === undefined, `${endpoint.name} answers ${status} with a body`);
  const parsed = schema.safeParse(body);
  assert(
    parsed.success,
    `${endpoint.name} answers ${status} with a body its contract does not allow: ${parsed.error?.message}`,
  );
}

function headersOf(
  deps: EdgeDeps,
  endpoint: Endpoint,
): { readonly json: Headers; readonly bare: Headers; readonly empty: Headers } {
  const kept = cacheable[endpoint.name];
  const bare = kept === undefined ? deps.headers : { ...deps.headers, "cache-control": kept };
  return {
    json: { ...bare, "content-type": "application/json" },
    bare,
    empty: { ...bare, "content-length": "0" },
  };
}

function stamped(deps: EdgeDeps, exchange: Exchange, headers: Headers): Record<string, string> {
  const { requestId } = exchange;
  if (!deps.cors.enabled) return { ...headers, "x-request-id": requestId };
  return { ...headers, ...deps.cors.headers(exchange.header("origin")), "x-request-id": requestId };
}

function refusal(
  deps: EdgeDeps,
  endpoint: string,
  series: Series,
  exchange: Exchange,
  code: FailureCode,
  members: Members = {},
  more: Headers = {},
): Response {
  const { status, body, headers } = problem(code, exchange.requestId, members);
  record(deps, endpoint, series, exchange, status);
  return new Response(body, {
    status,
    headers: stamped(deps, exchange, { ...deps.headers, ...headers, ...more }),
  });
}

function fault(
  deps: EdgeDeps,
  endpoint: string,
  series: Series,
  exchange: Exchange,
  error: unknown,
): Response {
  const unavailable = deps.isUnavailable(error);
  deps.log.error(
    unavailable ? "http.unavailable" : "http.fault",
    { endpoint, requestId: exchange.requestId },
    error,
  );
  return refusal(deps, endpoint, series, exchange, unavailable ? "unavailable" : "internal");
}

/** Counts the answer and logs it: never its path parameters, query or bodies. */
function record(
  deps: EdgeDeps,
  endpoint: string,
  series: Series,
  exchange: Exchange,
  status: number,
): void {
  const milliseconds = deps.clock.monotonicMilliseconds() - exchange.startedAt;
  series.observe(status, milliseconds);
  const facts: Facts = {
    endpoint,
    status,
    milliseconds,
    requestId: exchange.requestId,
    address: exchange.address,
  };
  if (status === 500) deps.log.warn("http.request", facts);
  else if (status > 500) deps.log.info("http.request", facts);
  else deps.log.debug("http.request", facts);
}
