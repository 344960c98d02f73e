import { transact } from "../../platform/db/transact.ts";
import type { Begun, Proof } from "@portcullis/contract";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { Clock, UnixSeconds } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { enqueueMail } from "../../records/mail/mail.ts";
import { isCodeOf, makeCode, readTypedCode, TRIES } from "../proofs/mailed-proof.ts";
import { findOpen } from "../sign-in/challenges.store.ts";
import type {
  Asked,
  Checked,
  Enrolment,
  Factor,
  Flow,
  Match,
  Preparation,
} from "../sign-in/factor.ts";
import { giveBack, take } from "../../records/attempts/attempts.store.ts";
import { mailsTo } from "../../records/attempts/budgets.ts";
import { holdUnchanged } from "../users/hold-unchanged.ts";
import type { User } from "../users/users.store.ts";
import { noteAdded } from "./change.ts";
import {
  codeMailedAt,
  findEmailFactor,
  insertEmailFactor,
  replaceCode,
  spendCode,
  takeTryOfCode,
  type EmailCode,
} from "./email-codes.store.ts";
import { CODE_SECONDS } from "../proofs/lifetimes.ts";

export interface EmailCodeDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly keyring: Keyring;
  /** Whether the operator allows mailed codes as a factor. */
  readonly emailCodes: boolean;
}

/** The least time between two codes for one flow (MF-06). */
const PAUSE_SECONDS = 60;

/**
 * Makes the factor of codes that are mailed to the confirmed address. It is the weakest factor,
 * because a person who can read the mailbox can also reset the password.
 */
export function createEmailCodes(deps: EmailCodeDeps): Factor {
  const enrolment: Enrolment = {
    isOpenTo: (user) => addressOf(user) !== undefined,
    begin: async (asked) => beginEmailCodes(deps, asked),
    check: async (asked, proof) => checkFirst(deps, asked, proof),
  };
  return {
    name: "email",
    standsAlone: true,
    ...(deps.emailCodes && { enrolment }),
    isEnrolled: async (db, userId) =>
      deps.emailCodes && (await findEmailFactor(db, userId)) !== undefined,
    prepare: async (asked) => (deps.emailCodes ? mailCode(deps, asked) : { kind: "unavailable" }),
    check: async (asked, proof) => check(deps, asked, proof),
  };
}

export type MailedCode = Extract<Begun, { readonly factor: "email" }>;

/**
 * Mails the code that confirms the factor. The outcome is `unavailable` if the operator does not
 * allow the factor, or if the user has it already.
 */
export async function beginEmailCodes(
  deps: EmailCodeDeps,
  asked: Asked,
): Promise<Preparation<MailedCode>> {
  const isOpen = deps.emailCodes && (await findEmailFactor(deps.db, asked.user.id)) === undefined;
  return isOpen ? mailCode(deps, asked) : { kind: "unavailable" };
}

/**
 * Mails a code that is good only for this flow, and replaces the one before. The factor has a
 * budget of its own, so that mails caused by strangers never keep users from signing in.
 */
async function mailCode(
  deps: EmailCodeDeps,
  { flow, user, origin }: Asked,
): Promise<Preparation<MailedCode>> {
  const outcome = await transact(deps, async (tx): Promise<Preparation<MailedCode>> => {
    const now = deps.clock.now();
    const held = await holdUnchanged(tx, user, "account");
    if (held === undefined) return { kind: "unavailable" };
    const to = addressOf(held);
    if (to === undefined) return { kind: "no_address" };
    const expiresAt = Math.min(now + CODE_SECONDS, await endOf(tx, flow, now));
    if (expiresAt <= now) return { kind: "unavailable" };
    const budget = mailsTo(`second-factor:${user.id}`);
    const taken = await take(tx, budget, now);
    if (taken.kind === "exhausted")
      return { kind: "throttled", retryAfterSeconds: taken.retryAfterSeconds };

    const flowId = keyOf(flow);
    const { code, codeMac } = makeCode(deps, flowId, { isMailed: true });
    const fresh = {
      flowId,
      userId: user.id,
      codeMac,
      triesLeft: TRIES,
      emailCanonical: to.canonical,
      createdAt: now,
      expiresAt,
    };
    if (!(await replaceCode(tx, fresh, now - PAUSE_SECONDS))) {
      await giveBack(tx, budget.bucket);
      const mailedAt = (await codeMailedAt(tx, flowId)) ?? now;
      return {
        kind: "throttled",
        retryAfterSeconds: Math.max(1, mailedAt + PAUSE_SECONDS - now),
      };
    }
    const data = {
      code,
      expiresAt,
      at: now,
      address: origin.address,
      userAgent: origin.userAgent,
    };
    await enqueueMail(tx, deps, {
      recipient: to.address,
      locale: held.locale,
      template: "second_factor_code",
      data,
      expiresAt,
    });
    return {
      kind: "prepared",
      prepared: { factor: "email", expiresAt, resendAt: now + PAUSE_SECONDS },
    };
  });
  return outcome;
}

/**
 * Makes the key of a flow. Two kinds of flow can have the same id, that of a session, but a code
 * that was mailed for one is not valid in the other.
 */
function keyOf({ kind, id }: Flow): string {
  return `${kind}:${id}`;
}

/** No code outlives its challenge. */
async function endOf(tx: Tx, { kind, id }: Flow, now: UnixSeconds): Promise<UnixSeconds> {
  if (kind !== "challenge") return Infinity;
  return (await findOpen(tx, id, now))?.expiresAt ?? now;
}

/** Returns the address if it is confirmed. Otherwise it may belong to a stranger. */
function addressOf(
  user: User,
): { readonly address: string; readonly canonical: string } | undefined {
  const { email, emailCanonical, emailVerifiedAt } = user;
  return email === null || emailCanonical === null || emailVerifiedAt === null
    ? undefined
    : { address: email, canonical: emailCanonical };
}

async function check(deps: EmailCodeDeps, asked: Asked, proof: Proof): Promise<Checked> {
  if (!deps.emailCodes || (await findEmailFactor(deps.db, asked.user.id)) === undefined)
    return { kind: "mismatched" };
  const found = await findGood(deps, asked, proof);
  if (found === undefined) return { kind: "mismatched" };
  return matched(async (tx) => ((await spendCode(tx, found, deps.clock.now())) ? {} : undefined));
}

async function checkFirst(deps: EmailCodeDeps, asked: Asked, proof: Proof): Promise<Checked> {
  const found = await findGood(deps, asked, proof);
  if (found === undefined) return { kind: "mismatched" };
  return matched(async (tx) => {
    const now = deps.clock.now();
    if (!(await spendCode(tx, found, now)) || !(await insertEmailFactor(tx, asked.user.id, now)))
      return undefined;
    await noteAdded(tx, deps, { user: asked.user, name: "email" }, asked.origin);
    return {};
  });
}

/**
 * Takes one of the code's tries before it is compared. This is the only write of a check, because
 * the tries belong to the code (MF-06).
 */
async function findGood(
  deps: EmailCodeDeps,
  { flow, user }: Asked,
  proof: Proof,
): Promise<EmailCode | undefined> {
  const presented = readTypedCode("code" in proof ? proof.code : "");
  if (presented === undefined) return undefined;
  const flowId = keyOf(flow);
  const code = await transact(deps, async (tx) =>
    takeTryOfCode(tx, { flowId, userId: user.id }, deps.clock.now()),
  );
  const isGood =
    code?.emailCanonical === user.emailCanonical && isCodeOf(deps, flowId, presented, code.codeMac);
  return isGood ? code : undefined;
}

function matched(spend: Match["spend"]): Checked {
  return { kind: "matched", match: { amr: ["email"], spend } };
}
