import type { Selectable } from "kysely";
import type { Queryable, Tx } from "../../../platform/db/open.ts";
import type { FaceTokensTable, UsersTable } from "../../../platform/db/tables.ts";
import type { UnixSeconds } from "../../../platform/kernel/clock.ts";
import { toUser, type User } from "../../../accounts/users/users.store.ts";

export interface NewFaceToken {
  readonly tokenHash: string;
  readonly sessionId: string;
  readonly userId: string;
  readonly createdAt: UnixSeconds;
}

/** A token with its session and its user. */
export interface FaceToken {
  readonly tokenHash: string;
  readonly sessionId: string;
  readonly session: {
    readonly hardEpoch: number;
    readonly idleEndsAt: UnixSeconds;
    readonly endsAt: UnixSeconds;
    readonly revokedAt: UnixSeconds | null;
    readonly acr: string;
    readonly authTime: UnixSeconds;
  };
  readonly account: User;
}

export async function insertFaceToken(tx: Tx, token: NewFaceToken): Promise<void> {
  await tx
    .insertInto("face_tokens")
    .values({
      token_hash: token.tokenHash,
      session_id: token.sessionId,
      user_id: token.userId,
      created_at: token.createdAt,
    })
    .execute();
}

export async function findFaceToken(
  db: Queryable,
  tokenHash: string,
): Promise<FaceToken | undefined> {
  const row = await joined(db).where("face_tokens.token_hash", "=", tokenHash).executeTakeFirst();
  return row && toFaceToken(row);
}

/** Lists the tokens whose sessions have not been revoked. */
export async function listFaceTokens(db: Queryable, userId: string): Promise<readonly FaceToken[]> {
  const rows = await joined(db)
    .where("face_tokens.user_id", "=", userId)
    .where("sessions.revoked_at", "is", null)
    .execute();
  return rows.map(toFaceToken);
}

const joined = (db: Queryable) =>
  db
    .selectFrom("face_tokens")
    .innerJoin("sessions", "sessions.id", "face_tokens.session_id")
    .innerJoin("users", "users.id", "face_tokens.user_id")
    .selectAll("users")
    .select([
      "face_tokens.token_hash",
      "face_tokens.session_id",
      "sessions.hard_epoch as session_hard_epoch",
      "sessions.idle_ends_at",
      "sessions.ends_at",
      "sessions.revoked_at",
      "sessions.acr",
      "sessions.auth_time",
    ]);

interface Row extends Selectable<UsersTable>, Pick<FaceTokensTable, "token_hash" | "session_id"> {
  readonly session_hard_epoch: number;
  readonly idle_ends_at: UnixSeconds;
  readonly ends_at: UnixSeconds;
  readonly revoked_at: UnixSeconds | null;
  readonly acr: string;
  readonly auth_time: UnixSeconds;
}

function toFaceToken(row: Row): FaceToken {
  return {
    tokenHash: row.token_hash,
    sessionId: row.session_id,
    session: {
      hardEpoch: row.session_hard_epoch,
      idleEndsAt: row.idle_ends_at,
      endsAt: row.ends_at,
      revokedAt: row.revoked_at,
      acr: row.acr,
      authTime: row.auth_time,
    },
    account: toUser(row),
  };
}
