import { transact } from "../../platform/db/transact.ts";
import { record } from "../../records/audit/audit.ts";
import type { Origin } from "../../records/audit/events.ts";
import type { Tx } from "../../platform/db/open.ts";
import { hashToken, verifyCode } from "../../platform/kernel/codes.ts";
import { enqueueMail } from "../../records/mail/mail.ts";
import { take } from "../../records/attempts/attempts.store.ts";
import { confirmationMail, makeProof, registrationOf } from "./mailed-proof.ts";
import { matchPassword } from "./passwords.ts";
import { mailBudget, newUser, whichIsTaken, type RegisterDeps } from "./register.ts";
import {
  findAsked,
  findRegistration,
  giveTryBack,
  holdLink,
  markConfirmed,
  replaceProof,
  takeTryOfCode,
  takeTryOfLink,
  type Asking,
  type Registration,
} from "./registrations.store.ts";
import { readUsername } from "./username.ts";
import { findByIdentifier, insertUser, type User } from "./users.store.ts";

type ConfirmDeps = Pick<RegisterDeps, "db" | "clock" | "keyring" | "registration">;

/** What the client that began a registration holds. */
export interface ClientProof {
  readonly registrationId: string;
  readonly clientSecret: string;
}

export type ConfirmOutcome =
  | { readonly kind: "registered"; readonly user: User }
  | {
      readonly kind:
        | "invalid_code"
        | "code_expired"
        | "code_used"
        | "code_exhausted"
        | "username_taken"
        | "closed";
    };

/**
 * Completes a registration: the mailed code proves the address, the client secret proves that it is
 * the same client (RG-02). An address that has an owner answers as a free one does, for nobody was
 * told its code (EN-03).
 */
export async function confirm(
  deps: ConfirmDeps,
  proof: ClientProof & { readonly code: string },
  origin: Origin,
): Promise<ConfirmOutcome> {
  if (deps.registration === "closed") return { kind: "closed" };
  const now = deps.clock.now();
  const asking = askingOf(proof);
  return transact(deps, async (tx): Promise<ConfirmOutcome> => {
    const registration = await takeTryOfCode(tx, asking, now);
    if (registration === undefined) return { kind: whyNoCode(await findAsked(tx, asking), now) };
    if (!verifyCode(deps.keyring, registration.id, proof.code, registration.codeMac))
      return { kind: "invalid_code" };
    const completed = await complete(tx, deps, registration, origin);
    return completed.kind === "email_taken" ? { kind: "invalid_code" } : completed;
  });
}

function whyNoCode(
  registration: Registration | undefined,
  now: number,
): "invalid_code" | "code_used" | "code_expired" | "code_exhausted" {
  if (registration === undefined) return "invalid_code";
  if (registration.confirmedAt !== null) return "code_used";
  if (registration.codeExpiresAt <= now) return "code_expired";
  return registration.triesLeft <= 0 ? "code_exhausted" : "invalid_code";
}

export type ConfirmByLinkOutcome =
  | { readonly kind: "registered"; readonly user: User }
  | { readonly kind: LinkRefusal | "wrong_password" | "username_taken" | "closed" | "busy" };

type LinkRefusal = "invalid_link" | "link_used" | "link_expired" | "link_void";

/**
 * Completes a registration with the mailed link. Whoever holds it has the mailbox; that the
 * registration is theirs they show with its password (RG-02). A password costs a try, whether it is
 * right or not.
 */
export async function confirmByLink(
  deps: ConfirmDeps & Pick<RegisterDeps, "hasher">,
  proof: { readonly token: string; readonly password: string },
  origin: Origin,
): Promise<ConfirmByLinkOutcome> {
  if (deps.registration === "closed") return { kind: "closed" };
  const tokenHash = hashToken(proof.token);
  const tried = await transact(deps, async (tx): Promise<Registration | LinkRefusal> => {
    const registration = await takeTryOfLink(tx, tokenHash, deps.clock.now());
    if (registration === undefined) return whyNoLink(tx, proof.token, deps.clock.now());
    const owner = await findByIdentifier(tx, { emailCanonical: registration.emailCanonical });
    return owner === undefined ? registration : "link_void";
  });
  if (typeof tried === "string") return { kind: tried };

  const match = await matchPassword(
    deps,
    { id: tried.userId, passwordSealed: tried.passwordSealed },
    proof.password,
  );
  if (match.kind === "mismatched") return { kind: "wrong_password" };
  return transact(deps, async (tx): Promise<ConfirmByLinkOutcome> => {
    if (match.kind === "busy") {
      await giveTryBack(tx, tokenHash);
      return { kind: "busy" };
    }
    const now = deps.clock.now();
    if (!(await holdLink(tx, tokenHash, now)))
      return { kind: await whyNoLink(tx, proof.token, now) };
    const completed = await complete(tx, deps, tried, origin);
    return completed.kind === "email_taken" ? { kind: "link_void" } : completed;
  });
}

/** Newer mail, too many tries, or an address that has its owner by now: the link is void. */
async function whyNoLink(tx: Tx, token: string, now: number): Promise<LinkRefusal> {
  const id = registrationOf(token);
  const registration = id === undefined ? undefined : await findRegistration(tx, id);
  if (registration === undefined) return "invalid_link";
  if (registration.confirmedAt !== null) return "link_used";
  return registration.expiresAt <= now ? "link_expired" : "link_void";
}

type Completed =
  | { readonly kind: "registered"; readonly user: User }
  | { readonly kind: "email_taken" }
  | { readonly kind: "username_taken" };

/** Makes the user of a registration whose row is held. */
async function complete(
  tx: Tx,
  deps: Pick<RegisterDeps, "clock" | "keyring">,
  registration: Registration,
  origin: Origin,
): Promise<Completed> {
  const now = deps.clock.now();
  const username = registration.username === null ? null : readUsername(registration.username);
  const candidate = {
    userId: registration.userId,
    address: { address: registration.email, canonical: registration.emailCanonical },
    username: username?.kind === "username" ? username : null,
    profile: registration.profile,
    locale: registration.locale,
    passwordSealed: registration.passwordSealed,
  };
  const user = await insertUser(tx, newUser(candidate, now, { verified: true, superuser: false }));
  if (user === undefined)
    return (await whichIsTaken(tx, candidate)) === "email_taken"
      ? { kind: "email_taken" }
      : { kind: "username_taken" };
  await markConfirmed(tx, registration.id, now);
  await record(tx, deps, { event: "user.confirmed", ...origin, userId: user.id });
  return { kind: "registered", user };
}

export type ResendOutcome =
  | { readonly kind: "resent"; readonly expiresAt: number }
  | { readonly kind: "not_found" | "closed" };

/**
 * Mails a new code and link and voids those before. Once the address has had its mails for this
 * hour the answer is the same, and the old ones stay good (RG-15).
 */
export async function resend(deps: RegisterDeps, proof: ClientProof): Promise<ResendOutcome> {
  if (deps.registration === "closed") return { kind: "closed" };
  const now = deps.clock.now();
  const asking = askingOf(proof);
  const outcome = await transact(deps, async (tx): Promise<ResendOutcome> => {
    const registration = await findAsked(tx, asking);
    if (registration === undefined || !isPending(registration, now)) return { kind: "not_found" };
    const owner = await findByIdentifier(tx, { emailCanonical: registration.emailCanonical });
    const budget = await take(tx, mailBudget(deps, registration.emailCanonical), now);
    const renewed = makeProof(deps, registration.id, owner === undefined);
    if (budget.kind === "taken") {
      if (!(await replaceProof(tx, asking, renewed.stored, now))) return { kind: "not_found" };
      await enqueueMail(tx, deps, confirmationMail(registration, owner, renewed));
    }
    return { kind: "resent", expiresAt: renewed.stored.codeExpiresAt };
  });
  return outcome;
}

/**
 * How a registration stands, for the client that began it: confirmed only if this very one was, by
 * code or by link.
 */
export async function registrationState(
  deps: Pick<RegisterDeps, "db" | "clock">,
  proof: ClientProof,
): Promise<"pending" | "confirmed" | "not_found"> {
  const registration = await findAsked(deps.db, askingOf(proof));
  if (registration === undefined) return "not_found";
  if (registration.confirmedAt !== null) return "confirmed";
  return isPending(registration, deps.clock.now()) ? "pending" : "not_found";
}

function isPending(registration: Registration, now: number): boolean {
  return registration.confirmedAt === null && registration.expiresAt > now;
}

function askingOf(proof: ClientProof): Asking {
  return { id: proof.registrationId, clientSecretHash: hashToken(proof.clientSecret) };
}
