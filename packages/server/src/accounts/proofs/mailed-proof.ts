import type { Clock, UnixSeconds } from "../../platform/kernel/clock.ts";
import { hashToken, macCode, verifyCode } from "../../platform/kernel/codes.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { CODE_SECONDS, LINK_SECONDS } from "./lifetimes.ts";

/** How often a code and its link together can be tried (RG-03, MF-06). */
export const TRIES = 5;

const CODE_DIGITS = 8;
const TOKEN_BYTES = 32;
const DIGITS_ONLY = /^\d{8}$/;

export interface ProofDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly keyring: Keyring;
}

/** The code and the link of one mail, and what is stored of them. */
export interface MailedProof {
  /** Eight digits. */
  readonly code: string;
  /** The secret part of the link, 256 bits. */
  readonly token: string;
  readonly stored: StoredProof;
}

/** The stored form of a code and a link. A dump of the database reveals neither. */
export interface StoredProof {
  readonly codeMac: string;
  readonly tokenHash: string;
  readonly triesLeft: number;
  readonly codeExpiresAt: UnixSeconds;
  /** End of the link. */
  readonly expiresAt: UnixSeconds;
}

/**
 * Makes a code and a link for one flow, such as one registration.
 *
 * If `isMailed` is false, because the address has another owner or its budget is used up, the proof
 * looks the same, costs the same and can be tried as often, but its code cannot be typed in: a code
 * that is not mailed could only be guessed.
 *
 * @param options.tokenPrefix put before the token, so that the flow of a replaced link is still
 *   known
 */
export function makeMailedProof(
  deps: ProofDeps,
  flowId: string,
  options: {
    readonly isMailed: boolean;
    readonly linkSeconds?: number;
    readonly tokenPrefix?: string;
  },
): MailedProof {
  const now = deps.clock.now();
  const { code, codeMac } = makeCode(deps, flowId, options);
  const { token, tokenHash } = makeLinkToken(deps, options.tokenPrefix);
  return {
    code,
    token,
    stored: {
      codeMac,
      tokenHash,
      triesLeft: TRIES,
      codeExpiresAt: now + CODE_SECONDS,
      expiresAt: now + (options.linkSeconds ?? LINK_SECONDS),
    },
  };
}

/**
 * Makes a code of eight digits. If it is not mailed, it is a random text that cannot be typed in.
 */
export function makeCode(
  deps: Pick<ProofDeps, "random" | "keyring">,
  flowId: string,
  { isMailed }: { readonly isMailed: boolean },
): { readonly code: string; readonly codeMac: string } {
  const code = isMailed ? deps.random.digits(CODE_DIGITS) : secretText(deps);
  return { code, codeMac: macCode(deps.keyring, flowId, code) };
}

/** Makes the token of a link: it cannot be guessed, so the database keeps a plain digest of it. */
export function makeLinkToken(
  deps: Pick<ProofDeps, "random">,
  prefix = "",
): { readonly token: string; readonly tokenHash: string } {
  const token = prefix + secretText(deps);
  return { token, tokenHash: linkHash(token) };
}

/** Returns the digest by which the row of a link is found. */
export function linkHash(token: string): string {
  return hashToken(token);
}

/** Tells in constant time whether this is the code of the flow. */
export function isCodeOf(
  deps: Pick<ProofDeps, "keyring">,
  flowId: string,
  code: string,
  codeMac: string,
): boolean {
  return verifyCode(deps.keyring, flowId, code, codeMac);
}

/**
 * Reads what a user has typed: spaces do not count. Returns `undefined` if it is no code at all.
 */
export function readTypedCode(typed: string): string | undefined {
  const code = typed.replaceAll(" ", "");
  return DIGITS_ONLY.test(code) ? code : undefined;
}

function secretText({ random }: Pick<ProofDeps, "random">): string {
  return random.bytes(TOKEN_BYTES).toString("base64url");
}
