import { endpoints, type Endpoint } from "@portcullis/contract";
import assert from "node:assert/strict";
import test from "node:test";
import { manualClock } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import { createApp } from "./app.ts";
import { cors } from "./cors.ts";
import { edgeOf, steps, type EdgeDeps, type Steps } from "./edge.ts";
import { createMetrics } from "./metrics.ts";
import { answer, refuse, type Refusal, type Route } from "./serve.ts";
import { endpointServed } from "./served.ts";
import type { StepKind } from "./steps/step.ts";
import type { Allowance } from "./steps/take-budget.ts";
import type { Signature } from "./steps/verify-signature.ts";
import { noCookies } from "../../../test/no-cookies.ts";

const all: readonly Endpoint[] = Object.values(endpoints);
const id = "018f2c5e-7d3a-7b1c-9a4e-2f6b8c0d1e2f";
const claims = {
  iss: "https://id.example",
  aud: "https://id.example",
  sub: id,
  sid: id,
  jti: id,
  iat: 1,
  exp: 2,
  hep: 0,
  aep: 0,
  gen: 0,
  auth_time: 1,
  amr: ["pwd"],
  acr: "aal1",
} as const;

/** An edge that lets everything pass and remembers, in order, which questions it was asked. */
function world(refusals: Partial<Pick<EdgeDeps, "authenticate" | "authorize">> = {}) {
  const asked: string[] = [];
  const note = <Arguments extends readonly unknown[], Result>(
    question: string,
    reply: (...given: Arguments) => Result,
  ) => {
    return (...given: Arguments): Result => {
      asked.push(question);
      return reply(...given);
    };
  };
  const deps: EdgeDeps = {
    cookies: noCookies,
    authenticate: note(
      "authenticate",
      refusals.authenticate ?? (() => ({ kind: "verified", claims })),
    ),
    authorize: note("authorize", refusals.authorize ?? (() => undefined)),
    allow: note("take budget", async (): Promise<Allowance> => ({ ok: true })),
    verifySignature: note("verify signature", async (): Promise<Signature> => ({
      kind: "verified",
    })),
    isUnavailable: () => false,
    addressOf: () => "192.0.2.1",
    requestId: () => "r",
    headers: {},
    cors: cors({ allowedOrigins: [], allowsLocalhost: false, allowedHeaders: [] }),
    log: silentLog,
    clock: manualClock(),
    metrics: createMetrics(),
  };
  const routeOf = (endpoint: Endpoint): Route => ({
    endpoint,
    handle: () => {
      asked.push("handle");
      return answer(Number(Object.keys(endpoint.answers)[0]));
    },
  });
  const app = createApp({
    ...deps,
    routes: all.map(routeOf),
    pages: [],
    trustedProxies: [],
    publicUrl: "https://id.example",
    random: systemRandom,
  });
  return { asked, deps, routeOf, app };
}

const send = async ({ app }: ReturnType<typeof world>, { method, path }: Endpoint) =>
  app.fetch(
    new Request(`https://id.example${path.replaceAll(/\{\w+\}/g, id)}`, {
      method,
      headers: { authorization: "Bearer good" },
    }),
  );

const needsCaller = ({ access }: Endpoint): boolean => access === "user" || access === "superuser";

test("each endpoint that needs a caller is served through authenticate, then authorize, then handle", () => {
  const { app } = world();
  const unguarded = all.filter(needsCaller).filter(({ name }) => {
    const names = app.steps.get(name) ?? [];
    const at = ["authenticate", "authorize", "handle"].map((step) => names.indexOf(step));
    return at.includes(-1) || at.join() !== at.toSorted((a, b) => a - b).join();
  });
  assert.deepEqual(unguarded, []);
  assert(all.filter(needsCaller).length > 40);
});

test("an endpoint is served through the steps that its contract asks for, in order, and through no other", () => {
  const { app } = world();
  const of = (endpoint: Endpoint): readonly string[] | undefined => app.steps.get(endpoint.name);
  assert.deepEqual(of(endpoints.getHealth), ["read body", "handle"]);
  assert.deepEqual(of(endpoints.getToken), [
    "take cookies",
    "authenticate",
    "authorize",
    "read body",
    "handle",
  ]);
  assert.deepEqual(of(endpoints.reportMail), [
    "read body",
    "verify signature",
    "parse body",
    "handle",
  ]);
  assert.deepEqual(of(endpoints.changeEmail), [
    "take cookies",
    "authenticate",
    "authorize",
    "take budget",
    "read body",
    "parse body",
    "handle",
    "answer in cookies",
  ]);
  assert.deepEqual(of(endpoints.signIn), [
    "take cookies",
    "read body",
    "parse body",
    "handle",
    "answer in cookies",
  ]);
  assert.deepEqual(of(endpoints.adminListUsers), [
    "take cookies",
    "authenticate",
    "authorize",
    "parse query",
    "read body",
    "handle",
  ]);
});

test("a route that lacks a step it must not be served without is refused at the start", () => {
  const { deps, routeOf } = world();
  const without = (name: string): Steps => steps.filter((step) => step.name !== name);
  const swapped = (a: string, b: string): Steps =>
    steps.map((step) => {
      if (step.name !== a && step.name !== b) return step;
      return steps.find(({ name }) => name === (step.name === a ? b : a)) ?? step;
    });
  const idle = (name: string): Steps =>
    steps.map((step): StepKind<EdgeDeps> =>
      step.name === name ? { name, build: () => undefined } : step,
    );
  const build = (endpoint: Endpoint, list?: Steps) => (): unknown =>
    edgeOf(deps, endpointServed(routeOf(endpoint)), list);
  const ofCookies = ({ access, method }: Endpoint): readonly string[] => {
    if (access === "signed") return [];
    if (method === "GET") return access === "public" ? [] : ["take cookies"];
    return ["take cookies", "answer in cookies"];
  };
  const needed: Readonly<Record<Endpoint["access"], readonly string[]>> = {
    public: ["handle"],
    signed: ["read body", "verify signature", "handle"],
    user: ["authenticate", "authorize", "handle"],
    superuser: ["authenticate", "authorize", "handle"],
  };
  for (const endpoint of all) {
    assert.doesNotThrow(build(endpoint), endpoint.name);
    for (const name of [...needed[endpoint.access], ...ofCookies(endpoint)]) {
      const message = new RegExp(`^${endpoint.name} must be served through .*${name}`);
      assert.throws(build(endpoint, without(name)), { message }, endpoint.name);
      assert.throws(build(endpoint, idle(name)), { message }, endpoint.name);
    }
    if (needsCaller(endpoint)) {
      assert.throws(build(endpoint, swapped("take cookies", "authenticate")), /must be served/);
      assert.throws(build(endpoint, swapped("authenticate", "authorize")), /must be served/);
      assert.throws(build(endpoint, swapped("authorize", "handle")), /must be served/);
    }
  }
  assert.throws(build(endpoints.reportMail, swapped("verify signature", "handle")), /must be/);
});

test("no handler of an endpoint that needs a caller is reached if one of the two steps refuses", async () => {
  for (const endpoint of all.filter(needsCaller)) {
    const unknown = world({ authenticate: () => ({ kind: "refused", code: "invalid_token" }) });
    assert.equal((await send(unknown, endpoint)).status, 401, endpoint.name);
    assert.deepEqual(unknown.asked, ["authenticate"], endpoint.name);

    const later = async (): Promise<Refusal<"forbidden">> => refuse("forbidden");
    for (const authorize of [() => refuse("forbidden"), later]) {
      const forbidden = world({ authorize });
      assert.equal((await send(forbidden, endpoint)).status, 403, endpoint.name);
      assert.deepEqual(forbidden.asked, ["authenticate", "authorize"], endpoint.name);
    }
  }
});

test("a handler is reached after every question of its endpoint, and each is asked once", async () => {
  for (const endpoint of all.filter(
    ({ input, query }) => input === undefined && query === undefined,
  )) {
    const passing = world();
    await send(passing, endpoint);
    assert.deepEqual(
      passing.asked,
      [
        ...(needsCaller(endpoint) ? ["authenticate", "authorize"] : []),
        ...(endpoint.budget === undefined ? [] : ["take budget"]),
        "handle",
      ],
      endpoint.name,
    );
  }
});

test("steps that return at once cost no turn of the event loop", () => {
  const { asked, app } = world();
  const response = app.fetch(
    new Request("https://id.example/v1/token", { headers: { authorization: "Bearer good" } }),
  );
  assert(response instanceof Response);
  assert.deepEqual(asked, ["authenticate", "authorize", "handle"]);
});

test("a new step is a file and a line: it can end an exchange and add headers to any answer", async () => {
  const { deps, routeOf } = world();
  const cookie: StepKind<EdgeDeps> = {
    name: "remember the visit",
    build: (_deps, { endpoint }) => {
      if (endpoint?.name !== "getHealth") return undefined;
      return (exchange) => {
        exchange.addedHeaders = { ...exchange.addedHeaders, "set-cookie": "visited=1" };
        return exchange.header("x-tired") === undefined ? undefined : refuse("rate_limited");
      };
    },
  };
  const list = [cookie, ...steps];
  const health = edgeOf(deps, endpointServed(routeOf(endpoints.getHealth)), list);
  assert.deepEqual(health.steps, ["remember the visit", "read body", "handle"]);
  for (const [headers, status] of [
    [{}, 200],
    [{ "x-tired": "yes" }, 429],
  ] as const) {
    const request = new Request("https://id.example/healthz", { headers });
    const response = await health.answer(request, {}, {});
    assert.deepEqual([response.status, response.headers.get("set-cookie")], [status, "visited=1"]);
  }
  const token = edgeOf(deps, endpointServed(routeOf(endpoints.getToken)), list);
  assert.deepEqual(token.steps, [
    "take cookies",
    "authenticate",
    "authorize",
    "read body",
    "handle",
  ]);
});
