import type { Endpoint, FailureCode } from "@portcullis/contract";
import assert from "node:assert/strict";
import type { Caller, Refusal } from "../serve.ts";
import type { StepKind } from "./step.ts";

type Verdict = Refusal<FailureCode> | undefined;

export interface AuthorizeDeps {
  /**
   * Decides whether the caller may use the endpoint. Returns `undefined` if they may, otherwise the
   * refusal. May return synchronously, which saves a turn of the event loop.
   */
  readonly authorize: (endpoint: Endpoint, caller: Caller) => Verdict | Promise<Verdict>;
}

/** Lets only a caller go on who may use the endpoint. */
export const authorize: StepKind<AuthorizeDeps> = {
  name: "authorize",
  build: (deps, { endpoint }) => {
    if (endpoint === undefined || endpoint.access === "public" || endpoint.access === "signed")
      return undefined;
    return ({ caller }) => {
      assert(caller !== undefined, "only an authenticated caller can be authorized");
      return deps.authorize(endpoint, caller);
    };
  },
};
