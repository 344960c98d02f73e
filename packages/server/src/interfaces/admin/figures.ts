import type { Db } from "../../platform/db/open.ts";
import { countsByHour, hourOf } from "../../records/counters/counters.store.ts";
import { HOUR, type Clock, type UnixSeconds } from "../../platform/kernel/clock.ts";
import { countRevocations } from "../../records/revocations/revocations.store.ts";
import { countAllLiveSessions } from "../../accounts/sessions/sessions.store.ts";
import { FAILED_SIGN_INS, SIGN_INS } from "../../accounts/sign-in/failures.ts";
import { countUsers } from "./users.store.ts";

export interface Figures {
  readonly users: number;
  readonly liveSessions: number;
  readonly revocationsInForce: number;
  /** The hours, oldest first, including the current one. */
  readonly hours: readonly {
    readonly startsAt: UnixSeconds;
    readonly signIns: number;
    readonly failedSignIns: number;
  }[];
}

export async function readFigures(
  deps: { readonly db: Db; readonly clock: Clock },
  hours: number,
): Promise<Figures> {
  const { db } = deps;
  const now = deps.clock.now();
  const first = hourOf(now) - (hours - 1) * HOUR;
  const [users, liveSessions, revocationsInForce, signIns, failedSignIns] = await Promise.all([
    countUsers(db),
    countAllLiveSessions(db, now),
    countRevocations(db, now),
    countsByHour(db, SIGN_INS, first),
    countsByHour(db, FAILED_SIGN_INS, first),
  ]);
  const starts = Array.from({ length: hours }, (_, i) => first + i * HOUR);
  return {
    users,
    liveSessions,
    revocationsInForce,
    hours: starts.map((startsAt) => ({
      startsAt,
      signIns: signIns.get(startsAt) ?? 0,
      failedSignIns: failedSignIns.get(startsAt) ?? 0,
    })),
  };
}
