import type { Proof } from "@portcullis/contract";
import { refuse } from "../../platform/http/serve.ts";

export const busy = refuse("busy");

export function refuseProof({ factor }: Proof) {
  return refuse(factor === "passkey" ? "invalid_passkey" : "invalid_code");
}
