import type { Held } from "../../platform/db/held.ts";
import { holdUnchanged, isUnchanged } from "../users/hold-unchanged.ts";
import { transact } from "../../platform/db/transact.ts";
import { record } from "../../records/audit/audit.ts";
import type { Origin } from "../../records/audit/events.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { Clock, UnixSeconds } from "../../platform/kernel/clock.ts";
import { uuidv7 } from "../../platform/kernel/ids.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { notify } from "../../records/mail/notices.ts";
import { enqueueMail, type Mail } from "../../records/mail/mail.ts";
import { take } from "../../records/attempts/attempts.store.ts";
import { mailsTo } from "../../records/attempts/budgets.ts";
import { isCodeOf, linkHash, makeMailedProof } from "../proofs/mailed-proof.ts";
import {
  refusalOfLink,
  refusalOfStrangersCode,
  type CodeRefusal,
  type LinkRefusal,
} from "../proofs/refusals.ts";
import { readAddress } from "../users/address.ts";
import {
  checkPassword,
  normalizePassword,
  type PasswordPolicy,
  type PasswordProblem,
} from "../users/password-policy.ts";
import { sealPassword, type PasswordDeps } from "../users/passwords.ts";
import { contextOf } from "../users/register.ts";
import type { SessionEnding } from "../users/ports.ts";
import {
  findByIdentifier,
  findUser,
  markVerified,
  setPassword,
  setProfile,
  setUsername,
  type User,
} from "../users/users.store.ts";
import { voidPendingChanges } from "./email-changes.store.ts";
import {
  findReset,
  giveTryBack,
  insertReset,
  spendReset,
  takeTryWithCode,
  voidResets,
  type Reset,
} from "./resets.store.ts";
import { CODE_SECONDS, RESET_LINK_SECONDS } from "../proofs/lifetimes.ts";

export interface ResetDeps extends PasswordDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly passwordPolicy: PasswordPolicy;
  readonly serviceName: string;
  readonly sessions: SessionEnding;
  /**
   * The field that users sign in by. If it is `username`, a user without a username could not sign
   * in.
   */
  readonly loginField: "email" | "username";
  /** Forgets failed sign-ins of the account, because a recovery ends the lock-out (LG-01). */
  readonly forgetFailures: (tx: Tx, userId: string) => Promise<void>;
}

export interface ResetStarted {
  readonly resetId: string;
  readonly expiresAt: number;
}

/**
 * Starts a reset. A known and an unknown address cost the same and get the same answer (EN-04).
 * Nothing of the account changes (RS-07).
 */
export async function startReset(
  deps: ResetDeps,
  email: string,
  origin: Origin,
): Promise<ResetStarted | { readonly kind: "invalid" }> {
  const address = readAddress(email);
  if (address.kind === "refused") return { kind: "invalid" };
  return transact(deps, async (tx) => {
    const user = await findByIdentifier(tx, { emailCanonical: address.canonical });
    const budget = await take(
      tx,
      mailsTo(deps.keyring.mac("throttle-bucket", address.canonical).toString("base64url")),
      deps.clock.now(),
    );
    return beginReset(
      tx,
      deps,
      {
        user: user?.disabledAt === null ? user : undefined,
        isMailed: budget.kind === "taken",
      },
      origin,
    );
  });
}

/**
 * Lets an operator start a reset. The user gets the mail, and the operator never sees it (RS-10).
 */
export async function startResetFor(
  deps: ResetDeps,
  userId: string,
  origin: Origin,
): Promise<{ readonly kind: "started" | "unknown" | "no_address" }> {
  const outcome = await transact(deps, async (tx) => {
    const user = await findUser(tx, userId);
    if (user === undefined) return "unknown";
    if (user.email === null) return "no_address";
    await beginReset(tx, deps, { user, isMailed: true }, origin);
    return "started";
  });
  return { kind: outcome };
}

/**
 * Begins a reset in a transaction. If it is not mailed, it cannot be redeemed either, because its
 * code could only be guessed.
 */
export async function beginReset(
  tx: Tx,
  deps: Pick<ResetDeps, "clock" | "random" | "keyring">,
  { user, isMailed }: { readonly user: User | undefined; readonly isMailed: boolean },
  origin: Origin,
): Promise<ResetStarted> {
  const now = deps.clock.now();
  const id = uuidv7(deps);
  const { code, token, stored } = makeMailedProof(deps, id, {
    isMailed,
    linkSeconds: RESET_LINK_SECONDS,
  });
  const { codeExpiresAt, expiresAt } = stored;
  await insertReset(tx, {
    id,
    userId: user?.id ?? null,
    tokenHash: stored.tokenHash,
    codeMac: stored.codeMac,
    triesLeft: isMailed ? stored.triesLeft : 0,
    passwordChangedAt: user?.passwordChangedAt ?? null,
    emailCanonical: user?.emailCanonical ?? null,
    createdAt: now,
    expiresAt,
  });
  if (isMailed) {
    const data = { code, expiresAt: codeExpiresAt, token, linkExpiresAt: expiresAt };
    const mail: Mail | "nothing" = user?.email
      ? { recipient: user.email, locale: user.locale, template: "password_reset", data, expiresAt }
      : "nothing";
    await enqueueMail(tx, deps, mail);
    await record(tx, deps, {
      event: "password.reset_started",
      ...origin,
      userId: user?.id ?? null,
      result: user === undefined ? "refused" : "done",
    });
  }
  return { resetId: id, expiresAt };
}

export type ResetProof =
  | { readonly resetId: string; readonly code: string }
  | { readonly token: string };

/**
 * The holder of a link has read the mail and may know what became of it. A person who types a code
 * may not have had the mail, so the answers are the same as for an unknown address (EN-04).
 */
type ResetRefusal = Exclude<CodeRefusal, "code_used"> | LinkRefusal;

export type ResetOutcome =
  | { readonly kind: "reset" | "busy" | ResetRefusal }
  | { readonly kind: "unacceptable_password"; readonly reason: PasswordProblem };

/**
 * Sets a new password against the mailed proof. The same transaction ends every session, token,
 * trusted device, other reset and pending change of address (RS-02). It opens no session (RS-03).
 * An unusable password and a busy server cost no try.
 */
export async function confirmReset(
  deps: ResetDeps,
  proof: ResetProof,
  newPassword: string,
  origin: Origin,
): Promise<ResetOutcome> {
  const password = normalizePassword(newPassword);
  if (password.kind === "refused")
    return { kind: "unacceptable_password", reason: password.reason };
  const plain = checkPassword(deps.passwordPolicy, password.password, contextOf(deps, null));
  if (plain !== undefined) return { kind: "unacceptable_password", reason: plain };

  const proven =
    "token" in proof ? await proveByLink(deps, proof.token) : await proveByCode(deps, proof);
  if (proven.kind !== "proven") return proven;
  const giveBack = async (): Promise<void> => {
    if ("code" in proof) await transact(deps, async (tx) => giveTryBack(tx, proven.reset.id));
  };
  const reason = checkPassword(
    deps.passwordPolicy,
    password.password,
    contextOf(deps, proven.user),
  );
  if (reason !== undefined) {
    await giveBack();
    return { kind: "unacceptable_password", reason };
  }
  const sealed = await sealPassword(deps, proven.user.id, password.password);
  if (sealed.kind === "busy") {
    await giveBack();
    return sealed;
  }

  const kind = await transact(deps, async (tx): Promise<"reset" | ResetRefusal> => {
    const checked = { id: proven.user.id, ...stateOfAccount(proven.reset) };
    const user = await holdUnchanged(tx, checked, "mailbox", { whilePaused: true });
    const reset = await findReset(tx, { id: proven.reset.id });
    const now = deps.clock.now();
    const isLink = "token" in proof;
    if (reset !== undefined && reset.usedAt !== null) return isLink ? "link_used" : "invalid_code";
    if (user === undefined || reset?.userId !== user.id)
      return isLink ? "link_void" : "invalid_code";
    // Every transaction that uses or voids a reset holds the row of its user.
    if (!(await spendReset(tx, proven.reset.id, now))) return isLink ? "link_used" : "invalid_code";
    await replaceForgotten(tx, deps, user, sealed.passwordSealed);
    await notify(
      tx,
      deps,
      { ...user, emailVerifiedAt: now },
      { template: "password_changed", data: { at: now } },
    );
    await record(tx, deps, { event: "password.reset", ...origin, userId: user.id });
    return "reset";
  });
  return { kind };
}

/**
 * Confirms an address after its owner has read mail there. Another person may have registered the
 * account, so nothing that was set before stays: no username to sign in with, and no profile
 * (RG-01).
 */
async function takeOver(
  tx: Tx,
  deps: Pick<ResetDeps, "loginField">,
  user: Held<User>,
  now: UnixSeconds,
): Promise<void> {
  await markVerified(tx, user, now);
  await setProfile(tx, user, { profile: {}, locale: user.locale });
  if (deps.loginField === "email") await setUsername(tx, user, null);
}

/** Does what every reset does to a user, however the mailbox was proven (RS-02). */
export async function replaceForgotten(
  tx: Tx,
  deps: Pick<ResetDeps, "clock" | "sessions" | "forgetFailures" | "loginField">,
  user: Held<User>,
  passwordSealed: Uint8Array,
): Promise<void> {
  const { id } = user;
  const now = deps.clock.now();
  await deps.sessions.endAll(tx, user, "password_reset");
  await setPassword(tx, user, passwordSealed, now);
  if (user.emailVerifiedAt === null) await takeOver(tx, deps, user, now);
  await voidResets(tx, id);
  await voidPendingChanges(tx, id, now);
  await deps.forgetFailures(tx, id);
}

type Proof =
  | { readonly kind: "proven"; readonly reset: Reset; readonly user: User }
  | { readonly kind: ResetRefusal };

/**
 * Proves the mailbox by a link. This takes no try: 256 bits cannot be guessed, and the count must
 * not tell the person who began the reset that the link was followed.
 */
async function proveByLink(deps: ResetDeps, token: string): Promise<Proof> {
  const reset = await findReset(deps.db, { tokenHash: linkHash(token) });
  const refusal = refusalOfLink(reset, deps.clock.now());
  if (reset === undefined || refusal !== undefined) return { kind: refusal ?? "invalid_link" };
  const user =
    reset.userId === null || reset.triesLeft === 0
      ? undefined
      : await findUser(deps.db, reset.userId);
  return user !== undefined && isAsItWas(user, reset)
    ? { kind: "proven", reset, user }
    : { kind: "link_void" };
}

async function proveByCode(
  deps: ResetDeps,
  proof: { readonly resetId: string; readonly code: string },
): Promise<Proof> {
  const begunAfter = deps.clock.now() - CODE_SECONDS;
  return transact(deps, async (tx): Promise<Proof> => {
    const reset = await takeTryWithCode(tx, proof.resetId, begunAfter);
    if (reset === undefined) {
      const dead = await findReset(tx, { id: proof.resetId });
      const ended = dead && { codeExpiresAt: dead.createdAt + CODE_SECONDS };
      return { kind: refusalOfStrangersCode(ended, deps.clock.now()) };
    }
    if (!isCodeOf(deps, reset.id, proof.code, reset.codeMac) || reset.usedAt !== null)
      return { kind: "invalid_code" };
    const user = reset.userId === null ? undefined : await findUser(tx, reset.userId);
    return user !== undefined && isAsItWas(user, reset)
      ? { kind: "proven", reset, user }
      : { kind: "invalid_code" };
  });
}

/** The state of the account when the reset began. The reset dies if it changes (RS-09). */
function stateOfAccount({ passwordChangedAt, emailCanonical }: Reset) {
  return { passwordChangedAt, emailCanonical };
}

function isAsItWas(user: User, reset: Reset): boolean {
  return isUnchanged(user, stateOfAccount(reset), "mailbox", { whilePaused: true });
}
