import { refuse, type Caller } from "../../platform/http/serve.ts";
import type { OwnPasswordOutcome, SignedIn } from "../users/ports.ts";

export const busy = refuse("busy");

export const notAnAddress = "must be one plain e-mail address";

export function signedIn({ caller }: { readonly caller: Caller }): SignedIn {
  return {
    userId: caller.userId,
    sessionId: caller.sessionId,
    hasShownFactor: caller.claims.acr === "aal2",
  };
}

export function refuseUnmatched(own: Exclude<OwnPasswordOutcome, { readonly kind: "matched" }>) {
  switch (own.kind) {
    case "mismatched":
      return refuse("wrong_password");
    case "throttled":
      return refuse("rate_limited", { retryAfterSeconds: own.retryAfterSeconds });
    case "busy":
      return busy;
  }
}
