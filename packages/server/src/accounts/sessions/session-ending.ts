import type { SessionEnding } from "../users/ports.ts";
import { lockUser } from "../users/users.store.ts";
import { openSession, signTokens, type SessionDeps } from "./open.ts";
import { endOf } from "./refresh-rules.ts";
import { revokeAllOf, revokeOthers } from "./revoke.ts";
import type { SessionPolicy } from "./session-policy.ts";
import { holdSession } from "./sessions.store.ts";

/** Implements what users/ asks of sessions. */
export function createSessionEnding(deps: SessionDeps, policy: SessionPolicy): SessionEnding {
  return {
    endAll: async (tx, user, cause) => revokeAllOf(tx, deps, user, cause),
    endAllAndReopen: async (tx, { user: held, sessionId }, cause, client) => {
      const session = await holdSession(tx, sessionId);
      if (session === undefined || session.revokedAt !== null) return undefined;
      await revokeAllOf(tx, deps, held, cause);
      const user = await lockUser(tx, held.id);
      if (user === undefined) throw new Error("the row of a user went away while it was held");
      // The password was proven again, but the second factor was not, so the age of the proof stays
      // (MF-07).
      const proven = { amr: session.amr, acr: session.acr, authTime: session.authTime };
      const opened = await openSession(tx, deps, { policy, user, proven }, client);
      return { tokens: () => signTokens(deps, opened.grant) };
    },
    endOthers: async (tx, user, sessionId, cause) => {
      const session = await holdSession(tx, sessionId);
      if (
        session === undefined ||
        session.userId !== user.id ||
        endOf(session, deps.clock.now()) !== undefined
      )
        return false;
      await revokeOthers(tx, deps, { user, kept: session.id }, cause);
      return true;
    },
  };
}
