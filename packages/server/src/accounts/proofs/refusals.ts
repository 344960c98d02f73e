import type { UnixSeconds } from "../../platform/kernel/clock.ts";

/**
 * The reason why a code is refused. A stranger who only began the flow may type it, so the reasons
 * do not depend on whether the address has an account (docs/decisions/0018).
 */
export type CodeRefusal = "invalid_code" | "code_used" | "code_expired" | "code_exhausted";

/**
 * The reason why a link is refused. Its holder has read the mail, so they are told what became of
 * it.
 */
export type LinkRefusal = "invalid_link" | "link_used" | "link_expired" | "link_void";

/**
 * The state of a proof that a refusal depends on. Moments that have not come are null or undefined.
 */
export interface ProofState {
  readonly usedAt: UnixSeconds | null;
  readonly voidAt?: UnixSeconds | null;
  readonly triesLeft: number;
  readonly codeExpiresAt: UnixSeconds;
  /** End of the link. */
  readonly expiresAt: UnixSeconds;
}

/**
 * Says why no try of a code could be taken, if the flow was begun by a client that may know its
 * state.
 */
export function refusalOfCode(proof: ProofState | undefined, now: UnixSeconds): CodeRefusal {
  if (proof === undefined) return "invalid_code";
  if (proof.usedAt !== null) return "code_used";
  if ((proof.voidAt ?? null) !== null) return "invalid_code";
  if (proof.codeExpiresAt <= now) return "code_expired";
  return proof.triesLeft <= 0 ? "code_exhausted" : "invalid_code";
}

/**
 * Says why no try of a code could be taken, for a flow that anybody can begin with any address. The
 * clock and the number of tries are the same for an unknown address, so only they may be told
 * (EN-04).
 */
export function refusalOfStrangersCode(
  proof: Pick<ProofState, "codeExpiresAt"> | undefined,
  now: UnixSeconds,
): Exclude<CodeRefusal, "code_used"> {
  if (proof === undefined) return "invalid_code";
  return proof.codeExpiresAt <= now ? "code_expired" : "code_exhausted";
}

/** Says why a link is refused. Returns `undefined` if it is still open. */
export function refusalOfLink(
  proof: Pick<ProofState, "usedAt" | "voidAt" | "expiresAt"> | undefined,
  now: UnixSeconds,
): LinkRefusal | undefined {
  if (proof === undefined) return "invalid_link";
  if (proof.usedAt !== null) return "link_used";
  if ((proof.voidAt ?? null) !== null) return "link_void";
  return proof.expiresAt <= now ? "link_expired" : undefined;
}
