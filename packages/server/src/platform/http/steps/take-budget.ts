import type { Budget } from "@portcullis/contract";
import { refuse, type Client } from "../serve.ts";
import type { StepKind } from "./step.ts";

export type Allowance =
  | { readonly ok: true }
  | { readonly ok: false; readonly retryAfterSeconds: number };

export interface BudgetDeps {
  readonly allow: (budget: Budget, client: Client) => Promise<Allowance>;
}

/** Counts the request against the endpoint's budget before its body is read. */
export const takeBudget: StepKind<BudgetDeps> = {
  name: "take budget",
  build: ({ allow }, { endpoint }) => {
    const budget = endpoint?.budget;
    if (budget === undefined) return undefined;
    return async (exchange) => {
      const allowance = await allow(budget, exchange.client);
      return allowance.ok
        ? undefined
        : refuse("rate_limited", { retryAfterSeconds: allowance.retryAfterSeconds });
    };
  },
};
