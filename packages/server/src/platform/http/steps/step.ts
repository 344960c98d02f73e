import type { Endpoint } from "@portcullis/contract";
import type { Exchange } from "../exchange.ts";
import type { Headers } from "../headers.ts";
import type { WrittenPage } from "../page.ts";
import type { AnyReply } from "../serve.ts";

/** An answer or a refusal of an endpoint, or a finished page. */
export type StepReply = AnyReply | WrittenPage;

type Outcome = StepReply | undefined;

/**
 * Lets an exchange go on by returning `undefined`, or ends it with a reply. It may return
 * synchronously, which saves a turn of the event loop.
 */
export type Run = (exchange: Exchange) => Outcome | Promise<Outcome>;

/** A step in the list of one route. */
export interface Step {
  readonly name: string;
  readonly run: Run;
}

/** A step before it is known which route it is for. */
export interface StepKind<Deps> {
  /** States what is guaranteed once an exchange has passed. */
  readonly name: string;
  /**
   * Decides once, when a route is built, what the step does there. Returns `undefined` if the route
   * does not need the step, which then costs its requests nothing.
   */
  readonly build: (deps: Deps, served: Served) => Run | undefined;
}

/** An endpoint, a page, all faces together, or the answer for a path where nothing else is. */
export interface Served {
  /** The name in the log and in the metrics. */
  readonly name: string;
  /** Pages and faces have none: the contract does not list them. */
  readonly endpoint?: Endpoint;
  /**
   * The methods that a preflight of a listed origin is told. If they are absent, a preflight is
   * treated like any other OPTIONS request.
   */
  readonly preflightMethods?: string;
  /** Headers of every answer given here, in addition to those of all answers. */
  readonly headers?: Headers;
  readonly turnAway?: () => AnyReply | undefined;
  readonly handle: (exchange: Exchange) => StepReply | Promise<StepReply>;
}
