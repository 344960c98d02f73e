import type { Clock, UnixSeconds } from "../../platform/kernel/clock.ts";
import { hashToken, macCode } from "../../platform/kernel/codes.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import type { Mail } from "../../records/mail/mail.ts";
import type { StoredProof } from "./registrations.store.ts";
import type { User } from "./users.store.ts";

/** RG-03: a code lives ten minutes, a link a day, and both together can be tried five times. */
const CODE_SECONDS = 600;
const LINK_SECONDS = 86_400;
const TRIES = 5;

/** The two ways to show that the mail of a registration was read. */
interface MailedProof {
  readonly code: string;
  readonly token: string;
  readonly stored: StoredProof & { readonly codeExpiresAt: UnixSeconds };
}

const LINK_TOKEN = /^([0-9a-f-]{36})[\w-]{43}$/;

/**
 * The token begins with the registration's id: a link whose place a newer one has taken is still
 * known for one of ours.
 *
 * @param told whether somebody will read it. A code that nobody is told could only be guessed, so
 *   it is none that can be typed in.
 */
export function makeProof(
  deps: { readonly clock: Clock; readonly random: Random; readonly keyring: Keyring },
  registrationId: string,
  told: boolean,
): MailedProof {
  const now = deps.clock.now();
  const token = registrationId + deps.random.bytes(32).toString("base64url");
  const code = told ? deps.random.digits(8) : deps.random.bytes(32).toString("base64url");
  return {
    code,
    token,
    stored: {
      codeMac: macCode(deps.keyring, registrationId, code),
      tokenHash: told ? hashToken(token) : null,
      triesLeft: TRIES,
      codeExpiresAt: now + CODE_SECONDS,
      expiresAt: now + LINK_SECONDS,
    },
  };
}

/**
 * The registration that a link belongs to, or belonged to; `undefined` where it is not even of that
 * form.
 */
export function registrationOf(token: string): string | undefined {
  return LINK_TOKEN.exec(token)?.[1];
}

/**
 * Where the address has an owner already it is they who are told, at the stored address, never at
 * another spelling of it (RG-08).
 */
export function confirmationMail(
  to: { readonly email: string; readonly locale: string | null },
  owner: User | undefined,
  { code, token, stored }: MailedProof,
): Mail {
  if (owner !== undefined)
    return {
      recipient: owner.email ?? to.email,
      locale: owner.locale,
      template: "already_registered",
      data: {},
    };
  return {
    recipient: to.email,
    locale: to.locale,
    template: "confirm_registration",
    data: { code, expiresAt: stored.codeExpiresAt, token, linkExpiresAt: stored.expiresAt },
    expiresAt: stored.expiresAt,
  };
}
