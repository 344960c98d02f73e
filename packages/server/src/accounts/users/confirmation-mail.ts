import type { Mail } from "../../records/mail/mail.ts";
import type { MailedProof } from "../proofs/mailed-proof.ts";
import type { User } from "./users.store.ts";

/**
 * Writes the mail of a registration. If the address has an owner already, that owner is told, at
 * the stored address and never at another spelling of it (RG-08).
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
