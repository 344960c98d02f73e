import type { FailureCode } from "@portcullis/contract";
import type { Random } from "../kernel/random.ts";
import { clientAddresses, trustedProxies } from "./address.ts";
import { cors } from "./cors.ts";
import { edgeOf, type Edge, type EdgeDeps } from "./edge.ts";
import { targetOf, type Bindings } from "./exchange.ts";
import { baseHeaders } from "./headers.ts";
import type { Elsewhere, Page } from "./page.ts";
import type { Problem } from "./problem.ts";
import { requestIds } from "./request-ids.ts";
import { refuseUnparsed } from "./respond.ts";
import { createRouter } from "./router.ts";
import type { Route } from "./serve.ts";
import { elsewhereServed, endpointServed, nothingServed, pageServed } from "./served.ts";

export interface AppDeps extends Omit<EdgeDeps, "addressOf" | "requestId" | "headers" | "cors"> {
  readonly routes: readonly Route[];
  /** The pages that are served in addition to the contract. */
  readonly pages: readonly Page[];
  /** Answers at all other paths except those under `/v1/`, whatever the method. */
  readonly elsewhere?: Elsewhere;
  /** Addresses and CIDR ranges of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Origins whose scripts may call. Without the list, there are none. */
  readonly allowedOrigins?: readonly string[];
  /** Whether scripts of every port of `http://localhost` may call, too. */
  readonly allowsLocalhost?: boolean;
  /** Request headers that scripts may send in addition to those of every server. */
  readonly allowedHeaders?: readonly string[];
  readonly publicUrl: string;
  readonly random: Random;
}

export interface App {
  readonly fetch: (request: Request, bindings?: Bindings) => Response | Promise<Response>;
  /** The answer to what the listener could not parse as a request. */
  readonly refuse: (code: FailureCode) => Problem;
  /** The names of the steps that each endpoint and page is served through, by its name. */
  readonly steps: ReadonlyMap<string, readonly string[]>;
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

export function createApp(deps: AppDeps): App {
  const edge: EdgeDeps = {
    ...deps,
    addressOf: clientAddresses(trustedProxies(deps.trustedProxies)),
    requestId: requestIds(deps.random),
    headers: baseHeaders(deps.publicUrl),
    cors: cors({
      allowedOrigins: deps.allowedOrigins ?? [],
      allowsLocalhost: deps.allowsLocalhost ?? false,
      allowedHeaders: deps.allowedHeaders ?? [],
    }),
  };
  const served = [
    ...deps.routes.map((route) => ({
      method: route.endpoint.method,
      path: route.endpoint.path,
      target: edgeOf(edge, endpointServed(route)),
      name: route.endpoint.name,
    })),
    ...deps.pages.map((page) => ({
      method: page.method,
      path: page.path,
      target: edgeOf(edge, pageServed(page)),
      name: page.name,
    })),
  ];
  const routers = new Map(
    METHODS.map((method) => [
      method,
      createRouter(served.filter((place) => place.method === method)),
    ]),
  );
  const elsewhere =
    deps.elsewhere === undefined
      ? undefined
      : edgeOf(edge, elsewhereServed(deps.elsewhere, METHODS));
  const nothing = new Map<string, Edge>();

  return {
    fetch: (request, bindings = {}) => {
      if (request.method !== "HEAD") return dispatch(request, bindings, request.method);
      const response = dispatch(request, bindings, "GET");
      return response instanceof Promise ? response.then(withoutBody) : withoutBody(response);
    },
    refuse: (code) => refuseUnparsed(edge, code),
    steps: new Map(served.map(({ name, target }) => [name, target.steps])),
  };

  function dispatch(
    request: Request,
    bindings: Bindings,
    method: string,
  ): Response | Promise<Response> {
    const target = targetOf(request, bindings);
    const end = target.indexOf("?");
    const path = end === -1 ? target : target.slice(0, end);
    const found = routers.get(method)?.(path);
    if (found !== undefined) return found.target.answer(request, bindings, found.params);
    const methods = methodsAt(path);
    const isOurs = methods.length > 0 || path.startsWith("/v1/");
    const other = elsewhere === undefined || isOurs ? nothingWith(methods) : elsewhere;
    return other.answer(request, bindings, {});
  }

  function methodsAt(path: string): readonly string[] {
    const found = METHODS.filter((method) => routers.get(method)?.(path) !== undefined);
    if (found.length === 0) return [];
    return [...found, ...(found.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
  }

  /** There are only a few sets of methods, so each of them is built once. */
  function nothingWith(methods: readonly string[]): Edge {
    const key = methods.join();
    const built = nothing.get(key) ?? edgeOf(edge, nothingServed(methods));
    nothing.set(key, built);
    return built;
  }
}

/** A request by HEAD passes the same steps as GET and loses only the body (RFC 9110 §9.3.2). */
function withoutBody(response: Response): Response {
  return new Response(null, response);
}
