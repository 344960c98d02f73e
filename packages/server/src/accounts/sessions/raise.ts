import { record } from "../../records/audit/audit.ts";
import type { RemoteOrigin } from "../../records/audit/events.ts";
import type { Tx } from "../../platform/db/open.ts";
import { openSession, type Opened, type Opening, type SessionDeps } from "./open.ts";
import { endOf } from "./refresh-rules.ts";
import { revokeOne } from "./revoke.ts";
import { holdSession } from "./sessions.store.ts";

/**
 * Tells whether a live session belongs to the user. If so, its row is locked, so that it stays
 * alive until the transaction ends.
 */
export async function holdLive(
  tx: Tx,
  deps: Pick<SessionDeps, "clock">,
  { id, userId }: { readonly id: string; readonly userId: string },
): Promise<boolean> {
  const held = await holdSession(tx, id);
  return (
    held !== undefined && held.userId === userId && endOf(held, deps.clock.now()) === undefined
  );
}

/**
 * Lets a session continue under a new id with what has been proven now (LG-13, MF-07). Tokens of
 * the old session, which another person may have, gain nothing. Returns `undefined` if the session
 * has ended.
 */
export async function raiseSession(
  tx: Tx,
  deps: SessionDeps,
  { id, ...opening }: Opening & { readonly id: string },
  origin: RemoteOrigin,
): Promise<Opened | undefined> {
  const { user, proven } = opening;
  if (!(await holdLive(tx, deps, { id, userId: user.id }))) return undefined;
  const ended = await revokeOne(tx, deps, { id, userId: user.id }, "step_up");
  if (ended === undefined) return undefined;
  const opened = await openSession(tx, deps, opening, origin);
  await record(tx, deps, {
    event: "session.stepped_up",
    ...origin,
    userId: user.id,
    sessionId: opened.session.id,
    details: { from: id, method: proven.amr.join(" ") },
  });
  return opened;
}
