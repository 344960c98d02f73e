import type { Db } from "../../platform/db/open.ts";
import { byNumber, readPage } from "../../platform/http/cursor.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { MfaPolicy } from "../sign-in/policy.ts";
import type { User } from "../users/users.store.ts";
import { listWithout, tally, type Demanding, type Tally } from "./report.store.ts";

export interface ReportDeps {
  readonly db: Db;
  readonly keyring: Keyring;
  readonly mfaPolicy: MfaPolicy;
  readonly emailCodes: boolean;
}

export interface ReportQuery {
  /** The policy to report on. The default is the present one. */
  readonly policy?: Demanding | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export interface ReportedUser extends Pick<User, "id" | "email" | "username" | "lastLoginAt"> {
  readonly superuser: boolean;
}

export interface Report extends Tally {
  readonly kind: "report";
  readonly policy: MfaPolicy;
  /**
   * Active users who need a second factor by the policy and do not have one, the longest registered
   * first.
   */
  readonly without: number;
  readonly users: readonly ReportedUser[];
  readonly nextCursor: string | null;
}

const NOBODY: Tally = { concerned: 0, without: 0, withoutRecoveryCodes: 0 };

/**
 * Reports the users who would be asked by a policy, at the next sign-in, for a second factor that
 * they do not have.
 */
export async function reportOn(
  deps: ReportDeps,
  query: ReportQuery,
): Promise<Report | { readonly kind: "invalid_cursor" }> {
  const { db, keyring, emailCodes } = deps;
  const { policy = deps.mfaPolicy } = query;
  const concern = isDemanding(policy) ? { policy, emailCodes } : undefined;
  const rows = byNumber<User>({
    listing: ["mfa-report", policy],
    read: async ({ before, limit }) =>
      concern === undefined ? [] : listWithout(db, concern, { after: before, limit }),
    positionOf: ({ number }) => number,
  });
  const page = await readPage(keyring, query, rows);
  if (page.kind !== "page") return page;
  const counts = concern === undefined ? NOBODY : await tally(db, concern);
  return {
    kind: "report",
    policy,
    ...counts,
    users: page.rows.map(toReported),
    nextCursor: page.nextCursor,
  };
}

function toReported({ id, email, username, superuserSince, lastLoginAt }: User): ReportedUser {
  return { id, email, username, superuser: superuserSince !== null, lastLoginAt };
}

function isDemanding(policy: MfaPolicy): policy is Demanding {
  return policy === "superusers" || policy === "required";
}
