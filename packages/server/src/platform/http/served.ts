import type { Exchange } from "./exchange.ts";
import type { Elsewhere, Page, PageAnswer } from "./page.ts";
import { refuse, type Route } from "./serve.ts";
import type { Served, StepReply } from "./steps/step.ts";

/** An endpoint of the contract with its handler. */
export function endpointServed(route: Route): Served {
  const { endpoint, turnAway } = route;
  return {
    name: endpoint.name,
    endpoint,
    ...(turnAway !== undefined && { turnAway }),
    handle: (exchange) => route.handle(exchange),
  };
}

export function pageServed(page: Page): Served {
  return {
    name: page.name,
    handle: (exchange) => visit(page, exchange, exchange.pathParams),
  };
}

/**
 * Serves every path that nothing else is served at.
 *
 * @param methods the methods that a preflight is told; the dialect decides which of them a path has
 */
export function elsewhereServed(elsewhere: Elsewhere, methods: readonly string[]): Served {
  return {
    name: "none",
    preflightMethods: methods.join(", "),
    handle: (exchange) => {
      const { page, params } = elsewhere.find(exchange.target.split("?", 1)[0] ?? "");
      exchange.name = page.name;
      return visit(page, exchange, params);
    },
  };
}

/** Answers for a path that has only other `methods`, or none at all. */
export function nothingServed(methods: readonly string[]): Served {
  if (methods.length === 0) return { name: "none", handle: () => refuse("not_found") };
  const allow = methods.join(", ");
  return {
    name: "none",
    preflightMethods: allow,
    headers: { allow },
    handle: ({ request }) =>
      request.method === "OPTIONS"
        ? { kind: "page", status: 204, body: null, headers: {} }
        : refuse("method_not_allowed"),
  };
}

function visit(
  page: Pick<Page, "visit">,
  exchange: Exchange,
  params: Exchange["pathParams"],
): StepReply | Promise<StepReply> {
  const { request, target, client, requestId } = exchange;
  const header = (name: string): string | undefined => exchange.header(name);
  const visited = page.visit({ request, target, header, params, client, requestId });
  return visited instanceof Promise ? visited.then(replyOf) : replyOf(visited);
}

function replyOf(visited: PageAnswer): StepReply {
  return visited.kind === "not_found" ? refuse("not_found") : visited;
}
