import { stepUps, type AccessClaims, type FactorName } from "@portcullis/contract";
import { refuse, type Refusal } from "../../platform/http/serve.ts";
import type { AmrList } from "../sessions/amr.ts";

/** The assurance level: one factor, or two (NIST SP 800-63B-4 §2). */
export type Acr = "aal1" | "aal2";

/**
 * Computes the assurance level of a list of methods. Two factors are also marked by `mfa` (RFC 8176
 * §2).
 */
export function assuranceOf(amr: AmrList): { readonly amr: AmrList; readonly acr: Acr } {
  const isTwo =
    amr.includes("mfa") || (amr.includes("pwd") && amr.some((method) => factorOf.has(method)));
  if (!isTwo) return { amr, acr: "aal1" };
  return { amr: amr.includes("mfa") ? amr : [...amr, "mfa"], acr: "aal2" };
}

/** A recovery code replaces any other factor that is lost, so it is as strong as any. */
const strengths: Readonly<Record<FactorName, number>> = {
  email: 1,
  totp: 2,
  passkey: 3,
  recovery_codes: 3,
};
const factorOf: ReadonlyMap<string, FactorName> = new Map([
  ["email", "email"],
  ["otp", "totp"],
  ["hwk", "passkey"],
  ["swk", "passkey"],
  ["rec", "recovery_codes"],
]);

/**
 * Tells whether the factor that a session has shown is at least as strong as each of these (MF-07).
 */
export function isAsStrong(amr: AmrList, factors: readonly FactorName[]): boolean {
  const shown = amr.map((method) => factorOf.get(method)).filter((name) => name !== undefined);
  return strengthOf(shown) >= strengthOf(factors);
}

/** The greatest age of a proof in seconds, if a user changes factors. */
export const FRESH_SECONDS = stepUps.freshProof.maxAgeSeconds;

/**
 * Refuses to change a factor if the session has not shown one at least as strong (MF-07). Returns
 * `undefined` if it has, or if the user has no factor yet, so that the password is all there is.
 */
export function refusalOfWeak(
  { acr, amr }: Pick<AccessClaims, "acr" | "amr">,
  enrolled: readonly FactorName[],
  touched: readonly FactorName[],
): Refusal<"insufficient_user_authentication"> | undefined {
  const standing = touched.filter((name) => name !== "recovery_codes");
  if (enrolled.length === 0 || (acr === "aal2" && isAsStrong(amr, standing))) return undefined;
  return insufficient({
    acr: "aal2",
    maxAgeSeconds: FRESH_SECONDS,
    factors: strongEnough(enrolled, standing),
  });
}

/** Returns the factors of a user that are strong enough to change the given ones. */
export function strongEnough(
  enrolled: readonly FactorName[],
  factors: readonly FactorName[],
): readonly FactorName[] {
  return enrolled.filter((name) => strengths[name] >= strengthOf(factors));
}

function strengthOf(factors: readonly FactorName[]): number {
  return Math.max(0, ...factors.map((name) => strengths[name]));
}

/**
 * Makes the refusal that tells what must be proven again.
 *
 * @param needed `factors`: one of these must be shown, or the password if there is none
 */
export function insufficient(needed: {
  readonly acr: Acr;
  readonly maxAgeSeconds: number | undefined;
  readonly factors: readonly FactorName[];
}): Refusal<"insufficient_user_authentication"> {
  const { acr: acrValues, maxAgeSeconds, factors } = needed;
  return refuse("insufficient_user_authentication", {
    acrValues,
    ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
    factors,
  });
}
