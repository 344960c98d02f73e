import type { Endpoint } from "@portcullis/contract";
import assert from "node:assert/strict";
import { Exchange, type Bindings, type ExchangeDeps } from "./exchange.ts";
import { responder, type RespondDeps } from "./respond.ts";
import type { PathParams } from "./router.ts";
import { authenticate, type AuthenticateDeps } from "./steps/authenticate.ts";
import { authorize, type AuthorizeDeps } from "./steps/authorize.ts";
import { checkAnswer, type CheckAnswerDeps } from "./steps/check-answer.ts";
import { answerInCookies, takeCookies, usesCookies, type CookieDeps } from "./steps/cookies.ts";
import { answerPreflight, shareWithOrigin, type CorsDeps } from "./steps/cors.ts";
import { handle } from "./steps/handle.ts";
import { parseBody, parsePath, parseQuery, readBody } from "./steps/parse.ts";
import type { Served, Step, StepKind, StepReply } from "./steps/step.ts";
import { takeBudget, type BudgetDeps } from "./steps/take-budget.ts";
import { turnAway } from "./steps/turn-away.ts";
import { verifySignature, type SignatureDeps } from "./steps/verify-signature.ts";

export interface EdgeDeps
  extends
    ExchangeDeps,
    RespondDeps,
    CorsDeps,
    CookieDeps,
    AuthenticateDeps,
    AuthorizeDeps,
    BudgetDeps,
    SignatureDeps,
    CheckAnswerDeps {}

export type Steps = readonly StepKind<EdgeDeps>[];

/**
 * Every request passes these steps in this order, whether it is for an endpoint, a page or a face.
 * A route leaves out the steps that it does not need. A new step is one file in `steps/` and one
 * line here; if it is to protect a kind of endpoint, it is named in `guards`, too.
 */
export const steps: Steps = [
  shareWithOrigin,
  answerPreflight,
  turnAway,
  takeCookies,
  authenticate,
  authorize,
  takeBudget,
  parsePath,
  parseQuery,
  readBody,
  verifySignature,
  parseBody,
  handle,
  checkAnswer,
  answerInCookies,
];

/** The steps that let a caller in, in their order. */
const guards: Readonly<Record<Endpoint["access"], Steps>> = {
  public: [],
  signed: [readBody, verifySignature],
  user: [authenticate, authorize],
  superuser: [authenticate, authorize],
};

export interface Edge {
  /** The names of the steps that each request passes here. */
  readonly steps: readonly string[];
  readonly answer: (
    request: Request,
    bindings: Bindings,
    pathParams: PathParams,
  ) => Response | Promise<Response>;
}

/**
 * Builds the way from a request to its response, for one endpoint, one page or all faces.
 *
 * @throws {AssertionError} if the list lacks a step that the endpoint must not be served without
 */
export function edgeOf(deps: EdgeDeps, served: Served, list: Steps = steps): Edge {
  const built = list.flatMap(({ name, build }): readonly Step[] => {
    const run = build(deps, served);
    return run === undefined ? [] : [{ name, run }];
  });
  assertGuarded(served, built);
  const { respond, fault } = responder(deps, served);

  return {
    steps: built.map(({ name }) => name),
    answer: (request, bindings, pathParams) => {
      const exchange = new Exchange(deps, request, bindings, pathParams);
      exchange.name = served.name;
      try {
        const reply = pass(built, exchange, 0);
        if (!(reply instanceof Promise)) return respond(exchange, reply);
        return reply
          .then((settled) => respond(exchange, settled))
          .catch((error: unknown) => fault(exchange, error));
      } catch (error) {
        return fault(exchange, error);
      }
    },
  };
}

/** Passes the steps from `next` on; waits only for those that return a promise. */
function pass(
  built: readonly Step[],
  exchange: Exchange,
  next: number,
): StepReply | Promise<StepReply> {
  for (let i = next; i < built.length; i += 1) {
    const outcome = built[i]?.run(exchange);
    if (outcome instanceof Promise)
      return outcome.then((reply) => reply ?? pass(built, exchange, i + 1));
    if (outcome !== undefined) return outcome;
  }
  assert(exchange.answer !== undefined, `${exchange.name} has an answer after its last step`);
  return exchange.answer;
}

/** The steps without which an endpoint must not be served, in their order. */
function guardsOf(endpoint: Endpoint): Steps {
  const needed = [...guards[endpoint.access], handle];
  if (!usesCookies(endpoint)) return needed;
  // An answer to a GET has no tokens.
  return [takeCookies, ...needed, ...(endpoint.method === "GET" ? [] : [answerInCookies])];
}

function assertGuarded({ name, endpoint }: Served, built: readonly Step[]): void {
  const names = built.map((step) => step.name);
  const expected = endpoint === undefined ? [handle] : guardsOf(endpoint);
  const found = expected.map((step) => names.indexOf(step.name));
  assert(
    found.every((at, i) => at > (found[i - 1] ?? -1)),
    `${name} must be served through ${expected.map((step) => step.name).join(", ")}, ` +
      `but its steps are ${names.join(", ")}`,
  );
}
