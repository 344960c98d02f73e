import type { FailureCode } from "@portcullis/contract";
import { Hono } from "hono";
import type { Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";
import type { Random } from "../kernel/random.ts";
import { clientAddresses, trustedProxies } from "./address.ts";
import { cors } from "./cors.ts";
import {
  edgeOf,
  edgeOfElsewhere,
  edgeOfNothing,
  edgeOfPage,
  refuseUnparsed,
  type EdgeDeps,
} from "./edge.ts";
import { targetOf, type Bindings } from "./exchange.ts";
import { baseHeaders } from "./headers.ts";
import type { Elsewhere, Page } from "./page.ts";
import type { Problem } from "./problem.ts";
import { requestIds } from "./request-ids.ts";
import type { Route } from "./serve.ts";

export interface AppDeps extends Omit<EdgeDeps, "addressOf" | "requestId" | "headers" | "cors"> {
  readonly routes: readonly Route[];
  /** What is served beside the contract. */
  readonly pages: readonly Page[];
  /** What answers at all other paths but those under `/v1/`, whatever the method. */
  readonly elsewhere?: Elsewhere;
  /** Addresses and CIDR ranges whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Origins whose scripts may call; none unless listed. */
  readonly allowedOrigins?: readonly string[];
  readonly publicUrl: string;
  readonly random: Random;
}

export interface App {
  readonly fetch: (request: Request, bindings?: Bindings) => Response | Promise<Response>;
  /** The answer to what the listener could not parse as a request. */
  readonly refuse: (code: FailureCode) => Problem;
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const NOWHERE = "";

export function createApp(deps: AppDeps): App {
  const edge: EdgeDeps = {
    ...deps,
    addressOf: clientAddresses(trustedProxies(deps.trustedProxies)),
    requestId: requestIds(deps.random),
    headers: baseHeaders(deps.publicUrl),
    cors: cors(deps.allowedOrigins ?? []),
  };
  const router = new Hono<{ Bindings: Bindings }>({
    router: new StaticFirst(),
    getPath: (request, options) => pathOf(request, options?.env ?? {}),
  });
  const served = [
    ...deps.routes.map((route) => ({
      method: route.endpoint.method,
      path: route.endpoint.path,
      answering: edgeOf(edge, route),
    })),
    ...deps.pages.map((page) => ({
      method: page.method,
      path: page.path,
      answering: edgeOfPage(edge, page),
    })),
  ];
  for (const { method, path, answering } of served) {
    const hasParams = path.includes("{");
    router.on(method, path.replaceAll(/\{(\w+)\}/g, ":$1"), (c) =>
      answering(c.req.raw, c.env, hasParams ? c.req.param() : {}),
    );
  }

  const nothing = edgeOfNothing(edge);
  const heads = new Set(["/v1", ...served.map(({ path }) => headOf(path))]);
  const elsewhere =
    deps.elsewhere === undefined ? undefined : edgeOfElsewhere(edge, deps.elsewhere, METHODS);
  router.notFound((c) => {
    const methods = methodsAt(c.req.path);
    const isOurs = methods.length > 0 || targetOf(c.req.raw, c.env).startsWith("/v1/");
    return elsewhere === undefined || isOurs
      ? nothing(c.req.raw, c.env, methods)
      : elsewhere(c.req.raw, c.env);
  });
  function methodsAt(path: string): readonly string[] {
    const found = METHODS.filter((method) => router.router.match(method, path)[0].length > 0);
    if (found.length === 0) return [];
    return [...found, ...(found.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
  }

  return {
    fetch: (request, bindings = {}) => {
      // Of a first segment that no native path has, the router need not be asked; but Hono makes a
      // HEAD of a GET.
      if (
        elsewhere !== undefined &&
        request.method !== "HEAD" &&
        !heads.has(headOf(targetOf(request, bindings)))
      )
        return elsewhere(request, bindings);
      return router.fetch(request, bindings);
    },
    refuse: (code) => refuseUnparsed(edge, code),
  };
}

/**
 * Whole paths before templates: `/v1/sessions/current` is found by one look-up and never taken for
 * a `{id}`. Hono's own choice for such a set of paths walks a tree for each request and finds both.
 */
class StaticFirst<T> implements Router<T> {
  readonly name = "StaticFirst";
  readonly #whole = new Map<string, Map<string, Result<T>>>();
  readonly #templates = new TrieRouter<T>();

  add(method: string, path: string, handler: T): void {
    if (path.includes(":")) return this.#templates.add(method, path, handler);
    const paths = this.#whole.get(method) ?? new Map<string, Result<T>>();
    paths.set(path, [[[handler, {}]]]);
    this.#whole.set(method, paths);
  }

  match(method: string, path: string): Result<T> {
    return this.#whole.get(method)?.get(path) ?? this.#templates.match(method, path);
  }
}

/** The first segment of a path, or of a request's target. */
function headOf(path: string): string {
  const end = path.indexOf("/", 1);
  if (end !== -1) return path.slice(0, end);
  const mark = path.indexOf("?");
  return mark === -1 ? path : path.slice(0, mark);
}

/**
 * No path of ours has an escape in it, so one that has is nowhere: there is no second spelling of
 * any path (IN-15).
 */
function pathOf(request: Request, bindings: Bindings): string {
  const target = targetOf(request, bindings);
  const end = target.indexOf("?");
  const path = end === -1 ? target : target.slice(0, end);
  return path.includes("%") ? NOWHERE : path;
}
