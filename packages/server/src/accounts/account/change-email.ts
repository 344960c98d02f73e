import type { Held } from "../../platform/db/held.ts";
import { holdUnchanged, isUnchanged } from "../users/hold-unchanged.ts";
import { transact } from "../../platform/db/transact.ts";
import { record } from "../../records/audit/audit.ts";
import type { Origin, RemoteOrigin } from "../../records/audit/events.ts";
import type { Tx } from "../../platform/db/open.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import { uuidv7 } from "../../platform/kernel/ids.ts";
import { enqueueMail, type Mail } from "../../records/mail/mail.ts";
import { take } from "../../records/attempts/attempts.store.ts";
import { mailsTo } from "../../records/attempts/budgets.ts";
import { isCodeOf, linkHash, makeLinkToken, makeMailedProof } from "../proofs/mailed-proof.ts";
import {
  refusalOfCode,
  refusalOfLink,
  type CodeRefusal,
  type LinkRefusal,
  type ProofState,
} from "../proofs/refusals.ts";
import { readAddress } from "../users/address.ts";
import type { CheckOwnPassword, OwnPasswordOutcome, SignedIn } from "../users/ports.ts";
import {
  bequeathEmail,
  displaceUnconfirmed,
  findByIdentifier,
  findUser,
  lockUser,
  setEmail,
  setPassword,
  type User,
} from "../users/users.store.ts";
import {
  findChange,
  giveTryBack,
  insertChange,
  markConfirmed,
  markUndone,
  takeTryOfChange,
  voidPendingChanges,
  type EmailChange,
} from "./email-changes.store.ts";
import { beginReset, type ResetDeps } from "./reset-password.ts";
import { voidResets } from "./resets.store.ts";
import { UNDO_LINK_SECONDS } from "../proofs/lifetimes.ts";

export interface ChangeEmailDeps extends ResetDeps {
  readonly checkOwnPassword: CheckOwnPassword;
}

type NotMatched = Exclude<OwnPasswordOutcome, { readonly kind: "matched" }>;

export type StartEmailOutcome =
  | { readonly kind: "started"; readonly changeId: string; readonly expiresAt: UnixSeconds }
  | { readonly kind: "invalid" | "session_ended" }
  | NotMatched;

/**
 * Begins a change of address, or the confirmation of the present one. A free address, a taken one
 * and the user's own cost the same and get the same answer (EN-05). Only the mail differs, and only
 * the owner of the mailbox reads it. A newer change ends an older one.
 */
export async function startEmailChange(
  deps: ChangeEmailDeps,
  who: SignedIn,
  input: { readonly newEmail: string; readonly password?: string | undefined },
  origin: RemoteOrigin,
): Promise<StartEmailOutcome> {
  const address = readAddress(input.newEmail);
  if (address.kind === "refused") return { kind: "invalid" };
  const before = await findUser(deps.db, who.userId);
  const own = await deps.checkOwnPassword(who, input.password, origin);
  if (own.kind !== "matched") return own;

  const now = deps.clock.now();
  const id = uuidv7(deps);
  return transact(deps, async (tx): Promise<StartEmailOutcome> => {
    const user = before && (await holdUnchanged(tx, before, "session"));
    if (user === undefined) return { kind: "session_ended" };
    const owner = await findByIdentifier(tx, { emailCanonical: address.canonical });
    const budget = await take(
      tx,
      mailsTo(deps.keyring.mac("throttle-bucket", address.canonical).toString("base64url")),
      now,
    );
    const isMailed = budget.kind === "taken";
    const { code, token, stored } = makeMailedProof(deps, id, { isMailed });
    await voidPendingChanges(tx, user.id, now);
    await insertChange(tx, {
      id,
      userId: user.id,
      email: address.address,
      emailCanonical: address.canonical,
      ...stored,
      triesLeft: isMailed ? stored.triesLeft : 0,
      passwordChangedAt: user.passwordChangedAt,
      oldEmail: user.email,
      oldEmailCanonical: user.emailCanonical,
      createdAt: now,
    });
    if (isMailed) {
      const data = {
        code,
        expiresAt: stored.codeExpiresAt,
        token,
        linkExpiresAt: stored.expiresAt,
      };
      await enqueueMail(
        tx,
        deps,
        owner === undefined || owner.id === user.id
          ? {
              recipient: address.address,
              locale: user.locale,
              template: "confirm_email",
              data,
              expiresAt: stored.expiresAt,
            }
          : toOwner(owner),
      );
    }
    await record(tx, deps, {
      event: "email.change_started",
      ...origin,
      userId: user.id,
      sessionId: who.sessionId,
    });
    return { kind: "started", changeId: id, expiresAt: stored.codeExpiresAt };
  });
}

/** Writes to the stored address of the owner (RG-08), unless it was never confirmed. */
function toOwner(owner: User): Mail | "nothing" {
  if (owner.email === null || owner.emailVerifiedAt === null) return "nothing";
  return { recipient: owner.email, locale: owner.locale, template: "email_in_use", data: {} };
}

export type ConfirmEmailOutcome =
  | { readonly kind: "confirmed"; readonly user: User }
  | {
      readonly kind: CodeRefusal | "email_taken" | "session_ended";
    };

/** Completes a change from within a session of the user who began it, with the mailed code. */
export async function confirmEmailChange(
  deps: ChangeEmailDeps,
  who: SignedIn,
  proof: { readonly changeId: string; readonly code: string },
  origin: Origin,
): Promise<ConfirmEmailOutcome> {
  const outcome = await transact(deps, async (tx): Promise<ConfirmEmailOutcome> => {
    const user = await lockUser(tx, who.userId);
    if (user === undefined || user.disabledAt !== null) return { kind: "session_ended" };
    const key = { id: proof.changeId, userId: user.id };
    const now = deps.clock.now();
    const change = await takeTryOfChange(tx, key, now);
    if (change === undefined)
      return { kind: refusalOfCode(stateOf(await findChange(tx, key)), now) };
    if (
      !isCodeOf(deps, change.id, proof.code, change.codeMac) ||
      !isUnchanged(user, stateOfAccount(change), "mailbox", { whilePaused: true })
    )
      return { kind: "invalid_code" };
    const changed = await complete(
      tx,
      deps,
      { user, change },
      { ...origin, sessionId: who.sessionId },
    );
    return changed === undefined ? { kind: "email_taken" } : { kind: "confirmed", user: changed };
  });
  return outcome;
}

function stateOf(change: EmailChange | undefined): ProofState | undefined {
  return change && { ...change, usedAt: change.confirmedAt };
}

export type ConfirmEmailByLinkOutcome =
  | { readonly kind: "confirmed" }
  | { readonly kind: LinkRefusal | "email_taken" }
  | NotMatched;

/**
 * Completes a change with the mailed link. The link only proves the mailbox, so the user also types
 * the password of the account (RG-02). Each attempt takes one of the tries of the change.
 */
export async function confirmEmailChangeByLink(
  deps: ChangeEmailDeps,
  input: { readonly token: string; readonly password: string },
  origin: RemoteOrigin,
): Promise<ConfirmEmailByLinkOutcome> {
  const opened = await transact(deps, async (tx) => open(tx, input.token, deps.clock.now()));
  if (opened.kind !== "open") return opened;
  const { change } = opened;
  const own = await deps.checkOwnPassword(
    { userId: change.userId, sessionId: change.id },
    input.password,
    origin,
  );
  if (own.kind !== "matched") {
    if (own.kind !== "mismatched") await transact(deps, async (tx) => giveTryBack(tx, change.id));
    return own;
  }

  const outcome = await transact(deps, async (tx): Promise<ConfirmEmailByLinkOutcome> => {
    const user = await holdUnchanged(
      tx,
      { id: change.userId, ...stateOfAccount(change) },
      "mailbox",
      { whilePaused: true },
    );
    const held = await findChange(tx, { id: change.id, userId: change.userId });
    if (held === undefined) return { kind: "invalid_link" };
    if (held.confirmedAt !== null) return { kind: "link_used" };
    if (held.voidAt !== null || user === undefined) return { kind: "link_void" };
    const changed = await complete(
      tx,
      deps,
      { user, change: held },
      { ...origin, actor: { kind: "user", id: user.id } },
    );
    return { kind: changed === undefined ? "email_taken" : "confirmed" };
  });
  return outcome;
}

async function open(
  tx: Tx,
  token: string,
  now: UnixSeconds,
): Promise<
  { readonly kind: "open"; readonly change: EmailChange } | { readonly kind: LinkRefusal }
> {
  const tokenHash = linkHash(token);
  const change = await takeTryOfChange(tx, { tokenHash }, now);
  if (change !== undefined) {
    const user = await findUser(tx, change.userId);
    return user !== undefined &&
      isUnchanged(user, stateOfAccount(change), "mailbox", { whilePaused: true })
      ? { kind: "open", change }
      : { kind: "link_void" };
  }
  const refusal = refusalOfLink(stateOf(await findChange(tx, { tokenHash })), now);
  return { kind: refusal ?? "link_void" };
}

/**
 * The state of the account when the change began. The change dies if the password or the address is
 * changed in another way, as a reset does (RS-09).
 */
function stateOfAccount({ passwordChangedAt, oldEmailCanonical }: EmailChange) {
  return { passwordChangedAt, emailCanonical: oldEmailCanonical };
}

/**
 * Sets the address. Returns `undefined` if another user has taken it. The old address is told, and
 * can undo the change, only if it was confirmed: it might have been mistyped at registration and
 * belong to a stranger, who would get the account.
 */
async function complete(
  tx: Tx,
  deps: ChangeEmailDeps,
  { user, change }: { readonly user: Held<User>; readonly change: EmailChange },
  origin: Origin & { readonly sessionId?: string },
): Promise<User | undefined> {
  const now = deps.clock.now();
  const changed = await setEmail(
    tx,
    user,
    { address: change.email, canonical: change.emailCanonical },
    now,
  );
  if (changed === undefined) return undefined;
  const moved = user.emailCanonical !== change.emailCanonical;
  if (moved && user.emailCanonical !== null) await bequeathEmail(tx, user.emailCanonical);
  const recipient = moved && user.emailVerifiedAt !== null ? user.email : null;
  const { token, tokenHash } = makeLinkToken(deps);
  const expiresAt = now + UNDO_LINK_SECONDS;
  const confirmed = await markConfirmed(
    tx,
    change,
    recipient === null ? undefined : { hash: tokenHash, expiresAt },
    now,
  );
  if (!confirmed)
    throw new Error("a change of address was confirmed twice while its user was held");
  await voidPendingChanges(tx, user.id, now);
  if (moved) await voidResets(tx, user.id);
  if (recipient !== null) {
    const data = { at: now, token, linkExpiresAt: expiresAt };
    await enqueueMail(tx, deps, {
      recipient,
      locale: user.locale,
      template: "email_changed",
      data,
      expiresAt,
    });
  }
  await record(tx, deps, {
    event: "email.changed",
    ...origin,
    userId: user.id,
    details: { moved },
  });
  return changed;
}

export interface UndoOutcome {
  readonly kind: "undone" | LinkRefusal | "email_taken";
}

/**
 * Undoes a change, and ends everything that the person who made it may hold: later changes and
 * their undos, sessions and the password. A mail to the old address lets its owner set a new
 * password. The holder of the old address wins over the holder of the password, because the address
 * was confirmed before and is how the account is recovered.
 */
export async function undoEmailChange(
  deps: ChangeEmailDeps,
  token: string,
  origin: Origin,
): Promise<UndoOutcome> {
  return transact(deps, async (tx): Promise<UndoOutcome> => {
    const undoHash = linkHash(token);
    const found = await findChange(tx, { undoHash });
    // A disabled user gets nothing back, and the link works again once the user is enabled.
    const user =
      found && (await holdUnchanged(tx, { id: found.userId }, "enabled", { whilePaused: true }));
    const change = await findChange(tx, { undoHash });
    if (change === undefined || change.oldEmail === null || change.oldEmailCanonical === null)
      return { kind: "invalid_link" };
    const now = deps.clock.now();
    const { undoneAt, voidAt, undoExpiresAt } = change;
    const refusal = refusalOfLink({ usedAt: undoneAt, voidAt, expiresAt: undoExpiresAt ?? 0 }, now);
    if (refusal !== undefined) return { kind: refusal };
    if (user === undefined) return { kind: "link_void" };

    await displaceUnconfirmed(tx, change.oldEmailCanonical, user.id);
    const restored = await setEmail(
      tx,
      user,
      { address: change.oldEmail, canonical: change.oldEmailCanonical },
      now,
    );
    if (restored === undefined) return { kind: "email_taken" };
    if (user.emailCanonical !== null && user.emailCanonical !== change.oldEmailCanonical)
      await bequeathEmail(tx, user.emailCanonical);
    if (!(await markUndone(tx, change, now)))
      throw new Error("a change of address was undone twice while its user was held");
    await deps.sessions.endAll(tx, user, "email_change_undone");
    await setPassword(tx, user, null, now);
    await voidPendingChanges(tx, user.id, now);
    await voidResets(tx, user.id);
    await beginReset(tx, deps, { user: await findUser(tx, user.id), isMailed: true }, origin);
    await record(tx, deps, { event: "email.change_undone", ...origin, userId: user.id });
    return { kind: "undone" };
  });
}
