import { transact } from "../../platform/db/transact.ts";
import { record } from "../../records/audit/audit.ts";
import type { Origin } from "../../records/audit/events.ts";
import type { Tx } from "../../platform/db/open.ts";
import { hashToken } from "../../platform/kernel/codes.ts";
import { enqueueMail } from "../../records/mail/mail.ts";
import { take } from "../../records/attempts/attempts.store.ts";
import { isCodeOf, linkHash, makeMailedProof } from "../proofs/mailed-proof.ts";
import {
  refusalOfCode,
  refusalOfLink,
  type CodeRefusal,
  type LinkRefusal,
  type ProofState,
} from "../proofs/refusals.ts";
import { confirmationMail } from "./confirmation-mail.ts";
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

/** The id and the secret that the client which began a registration holds. */
export interface ClientProof {
  readonly registrationId: string;
  readonly clientSecret: string;
}

export type ConfirmOutcome =
  | { readonly kind: "registered"; readonly user: User }
  | {
      readonly kind: CodeRefusal | "username_taken" | "closed";
    };

/**
 * Completes a registration. The mailed code proves the address, and the client secret proves that
 * it is the same client (RG-02). An address that has an owner answers like a free one, because its
 * code was not mailed (EN-03).
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
    if (registration === undefined)
      return { kind: refusalOfCode(stateOf(await findAsked(tx, asking)), now) };
    if (!isCodeOf(deps, registration.id, proof.code, registration.codeMac))
      return { kind: "invalid_code" };
    const completed = await complete(tx, deps, registration, origin);
    return completed.kind === "email_taken" ? { kind: "invalid_code" } : completed;
  });
}

function stateOf(registration: Registration | undefined): ProofState | undefined {
  return registration && { ...registration, usedAt: registration.confirmedAt };
}

export type ConfirmByLinkOutcome =
  | { readonly kind: "registered"; readonly user: User }
  | { readonly kind: LinkRefusal | "wrong_password" | "username_taken" | "closed" | "busy" };

/**
 * Completes a registration with the mailed link. The link proves the mailbox, and the password
 * proves that the registration belongs to the user (RG-02). Each password takes a try, whether it
 * is right or wrong.
 */
export async function confirmByLink(
  deps: ConfirmDeps & Pick<RegisterDeps, "hasher">,
  proof: { readonly token: string; readonly password: string },
  origin: Origin,
): Promise<ConfirmByLinkOutcome> {
  if (deps.registration === "closed") return { kind: "closed" };
  const tokenHash = linkHash(proof.token);
  const tried = await transact(deps, async (tx): Promise<Registration | LinkRefusal> => {
    const registration = await takeTryOfLink(tx, tokenHash, deps.clock.now());
    if (registration === undefined) return refusalOf(tx, proof.token, deps.clock.now());
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
      return { kind: await refusalOf(tx, proof.token, now) };
    const completed = await complete(tx, deps, tried, origin);
    return completed.kind === "email_taken" ? { kind: "link_void" } : completed;
  });
}

/** The token of a link begins with the id of its registration. */
const LINK_TOKEN = /^([0-9a-f-]{36})[\w-]{43}$/;

/**
 * Says why a link is refused. It is void if newer mail has replaced it, if it was tried too often,
 * or if its address has an owner by now.
 */
async function refusalOf(tx: Tx, token: string, now: number): Promise<LinkRefusal> {
  const id = LINK_TOKEN.exec(token)?.[1];
  const registration = id === undefined ? undefined : await findRegistration(tx, id);
  return refusalOfLink(stateOf(registration), now) ?? "link_void";
}

type Completed =
  | { readonly kind: "registered"; readonly user: User }
  | { readonly kind: "email_taken" }
  | { readonly kind: "username_taken" };

/** Makes the user of a registration whose row is locked. */
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
 * Mails a new code and link, and voids the earlier ones. If the address has had its mails for this
 * hour, the answer is the same and the earlier ones stay valid (RG-15).
 */
export async function resend(deps: RegisterDeps, proof: ClientProof): Promise<ResendOutcome> {
  if (deps.registration === "closed") return { kind: "closed" };
  const now = deps.clock.now();
  const asking = askingOf(proof);
  return transact(deps, async (tx): Promise<ResendOutcome> => {
    const registration = await findAsked(tx, asking);
    if (registration === undefined || !isPending(registration, now)) return { kind: "not_found" };
    const owner = await findByIdentifier(tx, { emailCanonical: registration.emailCanonical });
    const budget = await take(tx, mailBudget(deps, registration.emailCanonical), now);
    const renewed = makeMailedProof(deps, registration.id, {
      isMailed: owner === undefined,
      tokenPrefix: registration.id,
    });
    if (budget.kind === "taken") {
      if (!(await replaceProof(tx, asking, renewed.stored, now))) return { kind: "not_found" };
      await enqueueMail(tx, deps, confirmationMail(registration, owner, renewed));
    }
    return { kind: "resent", expiresAt: renewed.stored.codeExpiresAt };
  });
}

/**
 * Tells the client that began a registration whether it is confirmed. A confirmation of another
 * registration of the same address does not count.
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
