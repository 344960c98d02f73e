import assert from "node:assert/strict";
import type { Client, Refusal } from "../serve.ts";
import type { StepKind } from "./step.ts";

export type Signature =
  | { readonly kind: "verified" }
  | Refusal<"invalid_signature" | "rate_limited">;

export interface SignatureDeps {
  /** Checks that a holder of the shared secret has signed the body, byte for byte. */
  readonly verifySignature: (
    signature: string | undefined,
    body: Uint8Array,
    client: Client,
  ) => Promise<Signature>;
}

const SIGNATURE_HEADER = "portcullis-signature";

/** Lets only a body go on that is signed, before anything is made of its bytes. */
export const verifySignature: StepKind<SignatureDeps> = {
  name: "verify signature",
  build: (deps, { name, endpoint }) => {
    if (endpoint?.access !== "signed") return undefined;
    assert(endpoint.input !== undefined, `${name} has no body that could be signed`);
    return async (exchange) => {
      const signature = await deps.verifySignature(
        exchange.header(SIGNATURE_HEADER),
        exchange.body,
        exchange.client,
      );
      return signature.kind === "refused" ? signature : undefined;
    };
  },
};
