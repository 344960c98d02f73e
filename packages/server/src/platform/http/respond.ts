import type { FailureCode } from "@portcullis/contract";
import type { Clock } from "../kernel/clock.ts";
import type { Facts, Log } from "../kernel/log.ts";
import type { Exchange } from "./exchange.ts";
import { cacheable, type Headers } from "./headers.ts";
import type { Metrics } from "./metrics.ts";
import { problem, type Problem } from "./problem.ts";
import type { Refusal } from "./serve.ts";
import type { Served, StepReply } from "./steps/step.ts";

export interface RespondDeps {
  /** Tells whether a fault is one of the storage, which passes: 503 instead of 500. */
  readonly isUnavailable: (error: unknown) => boolean;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** The headers of every answer. */
  readonly headers: Headers;
}

export interface Responder {
  /** Turns the end of an exchange into a response, counts it and logs it. */
  respond(exchange: Exchange, reply: StepReply): Response;
  /** Does the same after an error was thrown. The client learns only the request id. */
  fault(exchange: Exchange, error: unknown): Response;
}

/** The only place where refusals become problems and faults are caught. */
export function responder(deps: RespondDeps, served: Served): Responder {
  const series = deps.metrics.series(served.name);
  const base = { ...deps.headers, ...served.headers };
  const kept = cacheable[served.name];
  const bare = kept === undefined ? base : { ...base, "cache-control": kept };
  const empty = { ...bare, "content-length": "0" };
  const json = { ...bare, "content-type": "application/json" };
  return {
    respond,
    fault: (exchange, error) => {
      const unavailable = deps.isUnavailable(error);
      deps.log.error(
        unavailable ? "http.unavailable" : "http.fault",
        { endpoint: exchange.name, requestId: exchange.requestId },
        error,
      );
      const code = unavailable ? "unavailable" : "internal";
      return refusal(exchange, { kind: "refused", code, members: {} });
    },
  };

  function respond(exchange: Exchange, reply: StepReply): Response {
    if (reply.kind === "refused") return refusal(exchange, reply);
    const { status, body } = reply;
    record(exchange, status);
    if (reply.kind === "page")
      return new Response(reply.body, {
        status,
        headers: stamped(exchange, { ...base, ...reply.headers }),
      });
    if (body === undefined)
      return new Response(null, {
        status,
        headers: stamped(exchange, status === 204 ? bare : empty),
      });
    return new Response(JSON.stringify(body), { status, headers: stamped(exchange, json) });
  }

  function refusal(exchange: Exchange, { code, members }: Refusal<FailureCode>): Response {
    const { status, body, headers } = problem(code, exchange.requestId, members);
    record(exchange, status);
    return new Response(body, { status, headers: stamped(exchange, { ...base, ...headers }) });
  }

  /** Counts the answer and logs it, without path parameters, query or bodies. */
  function record({ name, requestId, address, startedAt }: Exchange, status: number): void {
    const milliseconds = deps.clock.monotonicMilliseconds() - startedAt;
    (name === served.name ? series : deps.metrics.series(name)).observe(status, milliseconds);
    const facts: Facts = { endpoint: name, status, milliseconds, requestId, address };
    if (status === 500) deps.log.warn("http.request", facts);
    else if (status > 500) deps.log.info("http.request", facts);
    else deps.log.debug("http.request", facts);
  }
}

function stamped(
  { addedHeaders, requestId, setCookies }: Exchange,
  headers: Headers,
): Record<string, string> | [string, string][] {
  const all =
    addedHeaders === undefined
      ? { ...headers, "x-request-id": requestId }
      : { ...headers, ...addedHeaders, "x-request-id": requestId };
  // Only this header may occur several times (RFC 6265 §3).
  return setCookies === undefined
    ? all
    : [...Object.entries(all), ...setCookies.map((line): [string, string] => ["set-cookie", line])];
}

/** The refusal of bytes that could not even be parsed as a request. */
export function refuseUnparsed(
  deps: { readonly headers: Headers; readonly requestId: () => string },
  code: FailureCode,
): Problem {
  const requestId = deps.requestId();
  const { status, body, headers } = problem(code, requestId, {});
  return { status, body, headers: { ...deps.headers, ...headers, "x-request-id": requestId } };
}
