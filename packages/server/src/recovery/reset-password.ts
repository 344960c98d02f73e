import { record } from "../audit/audit.ts";
import type { Origin } from "../audit/events.ts";
import type { Db, Tx } from "../db/open.ts";
import type { Clock } from "../kernel/clock.ts";
import { hashToken, macCode, verifyCode } from "../kernel/codes.ts";
import { uuidv7 } from "../kernel/ids.ts";
import type { Random } from "../kernel/random.ts";
import { enqueue, type Mail } from "../mail/outbox.ts";
import type { Settle } from "../revocations/settle.ts";
import { take } from "../throttle/attempts.store.ts";
import { mailsTo } from "../throttle/budgets.ts";
import { readAddress } from "../users/address.ts";
import { checkPassword, normalizePassword, type PasswordPolicy, type PasswordProblem } from "../users/password-policy.ts";
import { sealPassword, type PasswordDeps } from "../users/passwords.ts";
import { contextOf } from "../users/register.ts";
import type { SessionEnding } from "../users/ports.ts";
import { findByIdentifier, findUser, lockUser, markVerified, setPassword, type User } from "../users/users.store.ts";
import { giveTryBack, insertReset, isOpen, spendResets, takeTry, type Reset } from "./resets.store.ts";

export interface ResetDeps extends PasswordDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly passwordPolicy: PasswordPolicy;
  readonly serviceName: string;
  readonly sessions: SessionEnding;
  readonly settle: Settle;
  /** What sign-in remembers against the account ends with recovery (LG-01). */
  readonly forgetFailures: (tx: Tx, userId: string) => Promise<void>;
  readonly wakeMail: () => void;
}

/** RS-01 allows half an hour for the token; the code beside it is a code (RG-03) and gets ten minutes and five tries. */
const RESET_SECONDS = 1800;
const CODE_SECONDS = 600;
const TRIES = 5;

export interface ResetStarted {
  readonly resetId: string;
  readonly expiresAt: number;
}

/** Starts a reset. A known and an unknown address cost the same and get the same answer (EN-04); nothing of the account changes (RS-07). */
export async function startReset(deps: ResetDeps, email: string, origin: Origin): Promise<ResetStarted | { readonly kind: "invalid" }> {
  const address = readAddress(email);
  if (address.kind === "refused") return { kind: "invalid" };
  const started = await deps.db.transaction().execute(async (tx) => {
    const user = await findByIdentifier(tx, { emailCanonical: address.canonical });
    const budget = await take(tx, mailsTo(deps.keyring.mac("throttle-bucket", address.canonical).toString("base64url")), deps.clock.now());
    return begin(tx, deps, user?.disabledAt === null ? user : undefined, { mail: budget.kind === "taken" }, origin);
  });
  deps.wakeMail();
  return started;
}

/** An operator starts a reset: the user gets the mail, the operator never sees it (RS-10). */
export async function startResetFor(
  deps: ResetDeps,
  userId: string,
  origin: Origin,
): Promise<{ readonly kind: "started" | "unknown" | "no_address" }> {
  const outcome = await deps.db.transaction().execute(async (tx) => {
    const user = await findUser(tx, userId);
    if (user === undefined) return "unknown";
    if (user.email === null) return "no_address";
    await begin(tx, deps, user, { mail: true }, origin);
    return "started";
  });
  deps.wakeMail();
  return { kind: outcome };
}

/** What is not mailed cannot be redeemed either: its code could only be guessed. */
async function begin(
  tx: Tx,
  deps: ResetDeps,
  user: User | undefined,
  allowed: { readonly mail: boolean },
  origin: Origin,
): Promise<ResetStarted> {
  const now = deps.clock.now();
  const id = uuidv7(deps);
  const token = deps.random.bytes(32).toString("base64url");
  const code = deps.random.digits(8);
  await insertReset(
    tx,
    {
      id,
      userId: user?.id ?? null,
      tokenHash: hashToken(token),
      codeMac: macCode(deps.keyring, id, code),
      passwordChangedAt: user?.passwordChangedAt ?? null,
      emailCanonical: user?.emailCanonical ?? null,
      createdAt: now,
      expiresAt: now + RESET_SECONDS,
    },
    allowed.mail ? TRIES : 0,
  );
  if (allowed.mail) {
    const mail: Mail | "nothing" = user?.email
      ? { recipient: user.email, template: "password_reset", data: { code, token, expiresAt: now + CODE_SECONDS } }
      : "nothing";
    await enqueue(tx, deps, mail);
    await record(tx, deps, {
      event: "password.reset_started",
      ...origin,
      userId: user?.id ?? null,
      result: user === undefined ? "refused" : "done",
    });
  }
  return { resetId: id, expiresAt: now + RESET_SECONDS };
}

export type ResetProof = { readonly resetId: string; readonly code: string } | { readonly token: string };

export type ResetOutcome =
  | { readonly kind: "reset" | "invalid_code" | "busy" }
  | { readonly kind: "unacceptable_password"; readonly reason: PasswordProblem };

/**
 * Sets a new password against the mailed proof and ends every session, token and other reset in the same transaction (RS-02).
 * It opens no session (RS-03). A password that cannot be used, and a server that is busy, cost no try.
 */
export async function confirmReset(deps: ResetDeps, proof: ResetProof, newPassword: string, origin: Origin): Promise<ResetOutcome> {
  const password = normalizePassword(newPassword);
  if (password.kind === "refused") return { kind: "unacceptable_password", reason: password.reason };
  const plain = checkPassword(deps.passwordPolicy, password.password, contextOf(deps, null));
  if (plain !== undefined) return { kind: "unacceptable_password", reason: plain };

  const proven = await deps.db.transaction().execute(async (tx) => prove(tx, deps, proof));
  if (proven === undefined) return { kind: "invalid_code" };
  const reason = checkPassword(deps.passwordPolicy, password.password, contextOf(deps, proven.user));
  if (reason !== undefined) {
    await deps.db.transaction().execute(async (tx) => giveTryBack(tx, proven.reset.id));
    return { kind: "unacceptable_password", reason };
  }
  const sealed = await sealPassword(deps, proven.user.id, password.password);
  if (sealed.kind === "busy") {
    await deps.db.transaction().execute(async (tx) => giveTryBack(tx, proven.reset.id));
    return sealed;
  }

  const recorded = await deps.db.transaction().execute(async (tx) => {
    const user = await lockUser(tx, proven.user.id);
    if (user === undefined || !(await isOpen(tx, proven.reset.id)) || !isAsItWas(user, proven.reset)) return undefined;
    const now = deps.clock.now();
    const ended = await deps.sessions.endAll(tx, user.id, "password_reset");
    await setPassword(tx, user.id, sealed.passwordSealed, now);
    // Whoever reads mail sent to the address has confirmed it.
    await markVerified(tx, user.id, now);
    await spendResets(tx, user.id, now);
    await deps.forgetFailures(tx, user.id);
    await record(tx, deps, { event: "password.reset", ...origin, userId: user.id });
    return ended;
  });
  if (recorded === undefined) return { kind: "invalid_code" };
  await deps.settle([recorded]);
  return { kind: "reset" };
}

async function prove(tx: Tx, deps: ResetDeps, proof: ResetProof): Promise<{ readonly reset: Reset; readonly user: User } | undefined> {
  const now = deps.clock.now();
  const reset = await takeTry(tx, "token" in proof ? { tokenHash: hashToken(proof.token) } : { id: proof.resetId }, now);
  if (reset === undefined || reset.userId === null) return undefined;
  if ("code" in proof && (now >= reset.createdAt + CODE_SECONDS || !verifyCode(deps.keyring, reset.id, proof.code, reset.codeMac)))
    return undefined;
  const user = await findUser(tx, reset.userId);
  return user !== undefined && isAsItWas(user, reset) ? { reset, user } : undefined;
}

function isAsItWas(user: User, reset: Reset): boolean {
  return user.passwordChangedAt === reset.passwordChangedAt && user.emailCanonical === reset.emailCanonical;
}
