import type { Cors } from "../cors.ts";
import type { StepKind } from "./step.ts";

export interface CorsDeps {
  readonly cors: Cors;
}

/** Lets scripts of a listed origin read whatever the answer will be. */
export const shareWithOrigin: StepKind<CorsDeps> = {
  name: "share with origin",
  build: ({ cors }) => {
    if (!cors.enabled) return undefined;
    return (exchange) => {
      exchange.addedHeaders = cors.headers(exchange.header("origin"));
      return undefined;
    };
  },
};

/** Answers the preflight of a listed origin, so that only its scripts can send what follows. */
export const answerPreflight: StepKind<CorsDeps> = {
  name: "answer preflight",
  build: ({ cors }, { preflightMethods }) => {
    if (!cors.enabled || preflightMethods === undefined) return undefined;
    return (exchange) => {
      if (exchange.request.method !== "OPTIONS") return undefined;
      const headers = cors.preflight(
        exchange.header("origin"),
        exchange.header("access-control-request-method"),
        preflightMethods,
      );
      return headers === undefined ? undefined : { kind: "page", status: 204, body: null, headers };
    };
  },
};
