import { holdUnchanged } from "../users/hold-unchanged.ts";
import { transact } from "../../platform/db/transact.ts";
import type { AccessClaims, Proof } from "@portcullis/contract";
import { record } from "../../records/audit/audit.ts";
import type { Origin } from "../../records/audit/events.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { Hasher } from "../../platform/hashing/pool.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import { uuidv7 } from "../../platform/kernel/ids.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { notify } from "../../records/mail/notices.ts";
import { holdLive } from "../sessions/raise.ts";
import { refusalOfWeak } from "../sign-in/assurance.ts";
import {
  enrolledFactors,
  type Asked,
  type Checked,
  type Factor,
  type MakeReserve,
} from "../sign-in/factor.ts";
import type { SignInDeps } from "../sign-in/sign-in.ts";
import type { SignedIn } from "../users/ports.ts";
import {
  countCodes,
  listUnused,
  replaceCodes,
  spendCode,
  type SealedCode,
} from "./recovery-codes.store.ts";

export interface RecoveryCodeDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly keyring: Keyring;
  readonly hasher: Hasher;
}

export interface CodeForm {
  readonly count: number;
  /** The number of characters, of five bits each. */
  readonly length: number;
}

/** Lower case, without 0, 1, 8 and 9, so that no character is read as another (RFC 4648 §6). */
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const NATIVE: CodeForm = { count: 10, length: 10 };
/** The user is warned if so few codes are left. */
export const FEW = 3;

type SealDeps = Omit<RecoveryCodeDeps, "db">;

export type MakeOutcome =
  | {
      readonly kind: "made";
      readonly codes: readonly string[];
      readonly rows: readonly SealedCode[];
    }
  | { readonly kind: "busy" };

/** Makes a set of codes that can be stored for the user. The codes can only be shown now. */
export async function makeCodes(
  deps: SealDeps,
  { count, length }: CodeForm = NATIVE,
): Promise<MakeOutcome> {
  const codes: string[] = [];
  const rows: SealedCode[] = [];
  while (rows.length < count) {
    const code = [...deps.random.bytes(length)]
      .map((byte) => ALPHABET.charAt(byte % ALPHABET.length))
      .join("");
    const sealed = await sealCode(deps, code);
    if (sealed.kind === "busy") return sealed;
    codes.push(shown(code));
    rows.push(sealed.row);
  }
  return { kind: "made", codes, rows };
}

/** Implements what sign-in asks for with the first factor of an account. */
export function createReserve(deps: SealDeps): MakeReserve {
  return async () => {
    const made = await makeCodes(deps);
    return made.kind === "busy"
      ? made
      : {
          ...made,
          keep: async (tx, userId) => replaceCodes(tx, userId, made.rows, deps.clock.now()),
        };
  };
}

/** Splits codes of more than eight characters into groups of five, which are easier to read. */
function shown(code: string): string {
  return code.length > 8 ? code.replaceAll(/.{5}(?=.)/g, "$&-") : code;
}

/**
 * Returns the form in which a code is hashed and compared, however it was written. The form is
 * empty if nothing is left of the code.
 */
export function normalizeCode(written: string): string {
  return written.replaceAll(/[\s-]/g, "").toLowerCase();
}

export type SealOutcome =
  | { readonly kind: "sealed"; readonly row: SealedCode }
  | { readonly kind: "busy" };

/**
 * Seals a code. A code of less than 112 bits could be guessed from a copy of the database, so it is
 * hashed like a password, and the hash is sealed (MF-05).
 *
 * @param code normalised
 */
export async function sealCode(deps: SealDeps, code: string): Promise<SealOutcome> {
  const hashed = await deps.hasher.hash(code);
  if (hashed.kind === "busy") return hashed;
  const id = uuidv7(deps);
  return {
    kind: "sealed",
    row: { id, codeSealed: deps.keyring.seal("recovery-code-seal", id, Buffer.from(hashed.phc)) },
  };
}

/**
 * Makes the factor of recovery codes, which are kept on paper for the day on which every other
 * factor is lost. Each works once.
 */
export function createRecoveryCodes(deps: RecoveryCodeDeps): Factor {
  return {
    name: "recovery_codes",
    standsAlone: false,
    isEnrolled: async (db, userId) => ((await countCodes(db, userId))?.left ?? 0) > 0,
    check: async (asked, proof) => check(deps, asked, proof),
  };
}

/**
 * Computes at most as many hashes as there are codes left, one after the other. The hasher counts
 * this as one question.
 */
async function check(deps: RecoveryCodeDeps, asked: Asked, proof: Proof): Promise<Checked> {
  const code = "code" in proof ? normalizeCode(proof.code) : "";
  if (code === "") return { kind: "mismatched" };
  const answered = deps.hasher.reserve();
  if (answered === undefined) return { kind: "busy" };
  try {
    for (const { id, codeSealed } of await listUnused(deps.db, asked.user.id)) {
      const phc = deps.keyring.open("recovery-code-seal", id, codeSealed).toString();
      const { kind } = await deps.hasher.verify(phc, { normalized: code, asTyped: code });
      if (kind === "matched") return matched(deps, asked, id);
      if (kind === "busy") return { kind };
    }
    return { kind: "mismatched" };
  } finally {
    answered();
  }
}

function matched(deps: RecoveryCodeDeps, { user, origin }: Asked, id: string): Checked {
  const spend = async (tx: Tx) => {
    if (!(await spendCode(tx, id, deps.clock.now()))) return undefined;
    const recoveryCodesLeft = (await countCodes(tx, user.id))?.left ?? 0;
    await record(tx, deps, {
      event: "recovery_code.used",
      ...origin,
      userId: user.id,
      details: { left: recoveryCodesLeft },
    });
    return { recoveryCodesLeft };
  };
  return { kind: "matched", match: { amr: ["rec"], spend } };
}

export type RenewOutcome =
  | { readonly kind: "renewed"; readonly codes: readonly string[] }
  | { readonly kind: "off" | "no_factor" | "session_ended" | "busy" }
  | {
      readonly kind: "insufficient";
      readonly refusal: NonNullable<ReturnType<typeof refusalOfWeak>>;
    };

/**
 * Makes a new set from within a session. A code is as strong as any factor, so it is refused if the
 * session has shown only a weaker factor than the strongest one of the user (MF-07).
 */
export async function renewCodes(
  deps: SignInDeps,
  who: SignedIn & { readonly claims: AccessClaims },
  origin: Origin,
  form?: CodeForm,
): Promise<RenewOutcome> {
  if (deps.mfaPolicy === "off") return { kind: "off" };
  if ((await enrolledFactors(deps.db, deps.factors, who.userId)).length === 0)
    return { kind: "no_factor" };
  const made = await makeCodes(deps, form);
  if (made.kind === "busy") return made;

  const outcome = await transact(deps, async (tx): Promise<RenewOutcome> => {
    const user = await holdUnchanged(tx, { id: who.userId }, "enabled");
    const isLive = await holdLive(tx, deps, { id: who.sessionId, userId: who.userId });
    if (user === undefined || !isLive) return { kind: "session_ended" };
    const enrolled = (await enrolledFactors(tx, deps.factors, user.id)).map(({ name }) => name);
    if (enrolled.length === 0) return { kind: "no_factor" };
    const refusal = refusalOfWeak(who.claims, enrolled, enrolled);
    if (refusal !== undefined) return { kind: "insufficient", refusal };
    const now = deps.clock.now();
    await replaceCodes(tx, user.id, made.rows, now);
    await notify(tx, deps, user, {
      template: "factor_added",
      data: { at: now, factor: "recovery_codes" },
    });
    await record(tx, deps, {
      event: "recovery_codes.made",
      ...origin,
      userId: user.id,
      sessionId: who.sessionId,
    });
    return { kind: "renewed", codes: made.codes };
  });
  return outcome;
}
