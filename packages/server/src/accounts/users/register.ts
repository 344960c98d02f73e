import { transact } from "../../platform/db/transact.ts";
import { record } from "../../records/audit/audit.ts";
import type { Origin } from "../../records/audit/events.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import { hashToken } from "../../platform/kernel/codes.ts";
import { uuidv4, uuidv7 } from "../../platform/kernel/ids.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { enqueueMail } from "../../records/mail/mail.ts";
import { take, type Limit } from "../../records/attempts/attempts.store.ts";
import { mailsTo } from "../../records/attempts/budgets.ts";
import { readAddress } from "./address.ts";
import { makeMailedProof } from "../proofs/mailed-proof.ts";
import { confirmationMail } from "./confirmation-mail.ts";
import {
  checkPassword,
  normalizePassword,
  type PasswordContext,
  type PasswordPolicy,
  type PasswordProblem,
} from "./password-policy.ts";
import { sealPassword, type PasswordDeps } from "./passwords.ts";
import type { Profile, ProfileRules } from "./profile.ts";
import { insertRegistration } from "./registrations.store.ts";
import { spendSetupLinks } from "./setup.store.ts";
import { readUsername } from "./username.ts";
import { findByIdentifier, insertUser, type NewUser, type User } from "./users.store.ts";

export type RegistrationMode = "confirm" | "immediate" | "closed";

export interface RegisterDeps extends PasswordDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly registration: RegistrationMode;
  readonly passwordPolicy: PasswordPolicy;
  readonly profileRules: ProfileRules;
  readonly serviceName: string;
}

export interface RegisterInput {
  readonly email: string;
  readonly username?: string | undefined;
  readonly password: string;
  readonly profile?: Profile | undefined;
  readonly locale?: string | undefined;
}

/** A member of the request that is not acceptable, by JSON pointer (RFC 6901). */
export interface InputProblem {
  readonly path: string;
  readonly message: string;
}

/** Why the input is refused, whether or not the address is taken. */
export type Unacceptable =
  | { readonly kind: "invalid"; readonly problems: readonly InputProblem[] }
  | { readonly kind: "unacceptable_password"; readonly reason: PasswordProblem }
  | { readonly kind: "busy" };

export type RegisterOutcome =
  | {
      readonly kind: "pending";
      readonly registrationId: string;
      readonly clientSecret: string;
      readonly expiresAt: number;
    }
  | { readonly kind: "registered"; readonly user: User }
  | { readonly kind: "closed" | "email_taken" | "username_taken" }
  | Unacceptable;

/** Everything about a new account that is decided before anything is looked up. */
export interface Candidate {
  readonly userId: string;
  readonly address: { readonly address: string; readonly canonical: string };
  readonly username: { readonly username: string; readonly canonical: string } | null;
  readonly profile: Profile;
  readonly locale: string | null;
  readonly passwordSealed: Uint8Array;
}

/**
 * Registers a user, or begins to. In mode `confirm` a new, a known and a pending address cause the
 * same work and get the same answer (EN-03). Only the mail differs, and only the owner of the
 * mailbox reads it.
 */
export async function register(
  deps: RegisterDeps,
  input: RegisterInput,
  origin: Origin,
): Promise<RegisterOutcome> {
  if (deps.registration === "closed") return { kind: "closed" };
  // A missing profile counts as an empty one, because the operator's schema may require members.
  // Superusers are created without this check.
  const candidate = await examine(deps, { ...input, profile: input.profile ?? {} });
  if (candidate.kind !== "acceptable") return candidate;
  return deps.registration === "immediate"
    ? registerNow(deps, candidate.candidate, origin)
    : begin(deps, candidate.candidate);
}

async function registerNow(
  deps: RegisterDeps,
  candidate: Candidate,
  origin: Origin,
): Promise<RegisterOutcome> {
  return transact(deps, async (tx) => {
    const user = await insertUser(
      tx,
      newUser(candidate, deps.clock.now(), { verified: false, superuser: false }),
    );
    if (user === undefined) return { kind: await whichIsTaken(tx, candidate) };
    await record(tx, deps, { event: "user.registered", ...origin, userId: user.id });
    return { kind: "registered", user };
  });
}

async function begin(deps: RegisterDeps, candidate: Candidate): Promise<RegisterOutcome> {
  const now = deps.clock.now();
  const id = uuidv7(deps);
  const clientSecret = deps.random.bytes(32).toString("base64url");
  const { address, username, ...others } = candidate;
  return transact(deps, async (tx): Promise<RegisterOutcome> => {
    if (
      username !== null &&
      (await findByIdentifier(tx, { usernameCanonical: username.canonical })) !== undefined
    )
      return { kind: "username_taken" };
    const owner = await findByIdentifier(tx, { emailCanonical: address.canonical });
    const budget = await take(tx, mailBudget(deps, address.canonical), now);
    const isMailed = owner === undefined && budget.kind === "taken";
    // The link carries the id, so that a link that a newer one has replaced is still known.
    const proof = makeMailedProof(deps, id, { isMailed, tokenPrefix: id });
    const registration = {
      id,
      ...others,
      email: address.address,
      emailCanonical: address.canonical,
      username: username?.username ?? null,
      clientSecretHash: hashToken(clientSecret),
      createdAt: now,
      ...proof.stored,
    };
    await insertRegistration(tx, registration);
    if (budget.kind === "taken")
      await enqueueMail(tx, deps, confirmationMail(registration, owner, proof));
    return {
      kind: "pending",
      registrationId: id,
      clientSecret,
      expiresAt: proof.stored.codeExpiresAt,
    };
  });
}

/**
 * The budget of mails that strangers can cause to an address. It is counted without storing the
 * address.
 */
export function mailBudget(deps: Pick<RegisterDeps, "keyring">, emailCanonical: string): Limit {
  return mailsTo(deps.keyring.mac("throttle-bucket", emailCanonical).toString("base64url"));
}

export type CreateOutcome =
  | { readonly kind: "created"; readonly user: User }
  | { readonly kind: "email_taken" | "username_taken" }
  | Unacceptable;

/**
 * Creates a superuser with a verified address: the operator at the command line, or the holder of
 * the setup link, vouches for it.
 */
export async function createSuperuser(
  deps: RegisterDeps,
  input: RegisterInput,
  origin: Origin,
  /** Runs first in the transaction. If it returns false, nothing is created. */
  guard: (tx: Tx) => Promise<boolean> = async () => true,
): Promise<CreateOutcome | { readonly kind: "guarded" }> {
  const examined = await examine(deps, input);
  if (examined.kind !== "acceptable") return examined;
  const { candidate } = examined;
  return transact(deps, async (tx): Promise<CreateOutcome | { readonly kind: "guarded" }> => {
    if (!(await guard(tx))) return { kind: "guarded" };
    const user = await insertUser(
      tx,
      newUser(candidate, deps.clock.now(), { verified: true, superuser: true }),
    );
    if (user === undefined) return { kind: await whichIsTaken(tx, candidate) };
    await spendSetupLinks(tx, deps.clock.now());
    await record(tx, deps, { event: "superuser.created", ...origin, userId: user.id });
    return { kind: "created", user };
  });
}

type Examined = { readonly kind: "acceptable"; readonly candidate: Candidate } | Unacceptable;

async function examine(deps: RegisterDeps, input: RegisterInput): Promise<Examined> {
  const address = readAddress(input.email);
  const username = input.username === undefined ? null : readUsername(input.username);
  const profile = input.profile ?? {};
  const problems = [
    ...(address.kind === "refused"
      ? [{ path: "/email", message: "must be one plain e-mail address" }]
      : []),
    ...(username?.kind === "refused" ? [{ path: "/username", message: username.reason }] : []),
    ...(input.profile === undefined
      ? []
      : deps.profileRules
          .check(profile)
          .map((p) => ({ path: `/profile${p.path}`, message: p.message }))),
  ];
  if (address.kind === "refused" || username?.kind === "refused" || problems.length > 0)
    return { kind: "invalid", problems };

  const password = normalizePassword(input.password);
  if (password.kind === "refused")
    return { kind: "unacceptable_password", reason: password.reason };
  const reason = checkPassword(
    deps.passwordPolicy,
    password.password,
    contextOf(deps, { email: address.address, username: username?.username ?? null, profile }),
  );
  if (reason !== undefined) return { kind: "unacceptable_password", reason };

  const userId = uuidv4(deps.random);
  const sealed = await sealPassword(deps, userId, password.password);
  if (sealed.kind === "busy") return sealed;
  return {
    kind: "acceptable",
    candidate: {
      userId,
      address,
      username,
      profile,
      locale: input.locale ?? null,
      passwordSealed: sealed.passwordSealed,
    },
  };
}

/** The words that a password of this person must not be made of (PW-06). */
export function contextOf(
  deps: { readonly serviceName: string },
  person: {
    readonly email: string | null;
    readonly username: string | null;
    readonly profile: Profile;
  } | null,
): PasswordContext {
  const displayName = person?.profile["displayName"];
  return {
    serviceName: deps.serviceName,
    email: person?.email ?? null,
    username: person?.username ?? null,
    displayName: typeof displayName === "string" ? displayName : null,
  };
}

export function newUser(
  candidate: Candidate,
  now: number,
  granted: { readonly verified: boolean; readonly superuser: boolean },
): NewUser {
  return {
    id: candidate.userId,
    email: candidate.address.address,
    emailCanonical: candidate.address.canonical,
    emailVerifiedAt: granted.verified ? now : null,
    username: candidate.username?.username ?? null,
    usernameCanonical: candidate.username?.canonical ?? null,
    passwordSealed: candidate.passwordSealed,
    superuserSince: granted.superuser ? now : null,
    profile: candidate.profile,
    locale: candidate.locale,
    createdAt: now,
  };
}

export async function whichIsTaken(
  tx: Tx,
  candidate: Candidate,
): Promise<"email_taken" | "username_taken"> {
  return (await findByIdentifier(tx, { emailCanonical: candidate.address.canonical })) === undefined
    ? "username_taken"
    : "email_taken";
}
