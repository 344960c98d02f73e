import type { Endpoint } from "@portcullis/contract";
import assert from "node:assert/strict";
import type { StepKind } from "./step.ts";

export interface CheckAnswerDeps {
  /** For development and tests: compares each answer with the contract before it leaves. */
  readonly checkAnswers?: boolean;
}

/** Lets only an answer leave that the contract lists. */
export const checkAnswer: StepKind<CheckAnswerDeps> = {
  name: "check answer",
  build: ({ checkAnswers }, { endpoint }) => {
    if (checkAnswers !== true || endpoint === undefined) return undefined;
    return ({ answer }) => {
      assert(answer?.kind === "answered", `${endpoint.name} has answered`);
      check(endpoint, answer.status, answer.body);
      return undefined;
    };
  },
};

/** @throws {AssertionError} if our handler answers what the contract does not list */
function check(endpoint: Endpoint, status: number, body: unknown): void {
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
