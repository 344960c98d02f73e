import { sql, type Expression, type ExpressionBuilder, type SqlBool } from "kysely";
import type { Queryable } from "../../platform/db/open.ts";
import type { Tables } from "../../platform/db/tables.ts";
import { toUser, type User } from "../users/users.store.ts";

export type Demanding = "superusers" | "required";

/** The users that a report is about, and the factors that count for them. */
export interface Concern {
  readonly policy: Demanding;
  /** Whether mailed codes count. */
  readonly emailCodes: boolean;
}

export interface Tally {
  readonly concerned: number;
  readonly without: number;
  readonly withoutRecoveryCodes: number;
}

type Where = (eb: ExpressionBuilder<Tables, "users">) => Expression<SqlBool>;

/** Counts with one statement, so that the numbers fit each other. */
export async function tally(db: Queryable, concern: Concern): Promise<Tally> {
  const row = await db
    .selectNoFrom((eb) => {
      const concerned = eb
        .selectFrom("users")
        .select(sql<number>`count(*)`.as("n"))
        .where(isConcerned(concern));
      return [
        concerned.as("concerned"),
        concerned.where(hasNoFactor(concern)).as("without"),
        concerned.where(hasNoCode).where(hasFactor(concern)).as("without_codes"),
      ];
    })
    .executeTakeFirstOrThrow();
  return {
    concerned: Number(row.concerned),
    without: Number(row.without),
    withoutRecoveryCodes: Number(row.without_codes),
  };
}

/** Concerned users who have no factor, in the order of their numbers. */
export async function listWithout(
  db: Queryable,
  concern: Concern,
  page: { readonly after: number | undefined; readonly limit: number },
): Promise<readonly User[]> {
  let select = db
    .selectFrom("users")
    .selectAll()
    .where(isConcerned(concern))
    .where(hasNoFactor(concern))
    .orderBy("number")
    .limit(page.limit);
  if (page.after !== undefined) select = select.where("number", ">", page.after);
  return (await select.execute()).map(toUser);
}

function isConcerned({ policy }: Concern): Where {
  return (eb) => {
    const isActive = eb("users.disabled_at", "is", null);
    return policy === "required"
      ? isActive
      : eb.and([isActive, eb("users.superuser_since", "is not", null)]);
  };
}

/** The condition is a conjunction of absences, which PostgreSQL answers by joins. */
function hasNoFactor({ emailCodes }: Concern): Where {
  return (eb) => eb.and(factorsOf(eb, emailCodes).map((factor) => eb.not(eb.exists(factor))));
}

function hasFactor({ emailCodes }: Concern): Where {
  return (eb) => eb.or(factorsOf(eb, emailCodes).map((factor) => eb.exists(factor)));
}

/** The factors that stand alone. */
function factorsOf(eb: ExpressionBuilder<Tables, "users">, emailCodes: boolean) {
  return [
    eb
      .selectFrom("totp_devices")
      .select("totp_devices.id")
      .whereRef("totp_devices.user_id", "=", "users.id")
      .where("totp_devices.confirmed_at", "is not", null),
    eb.selectFrom("passkeys").select("passkeys.id").whereRef("passkeys.user_id", "=", "users.id"),
    ...(emailCodes
      ? [
          eb
            .selectFrom("email_factors")
            .select("email_factors.user_id")
            .whereRef("email_factors.user_id", "=", "users.id")
            .where("users.email_verified_at", "is not", null),
        ]
      : []),
  ];
}

const hasNoCode: Where = (eb) =>
  eb.not(
    eb.exists(
      eb
        .selectFrom("recovery_codes")
        .select("recovery_codes.id")
        .whereRef("recovery_codes.user_id", "=", "users.id")
        .where("recovery_codes.used_at", "is", null),
    ),
  );
