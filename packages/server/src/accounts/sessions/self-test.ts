import { transact } from "../../platform/db/transact.ts";
import type { Tx } from "../../platform/db/open.ts";
import { uuidv4 } from "../../platform/kernel/ids.ts";
import { isRecorded } from "../../records/revocations/revocations.store.ts";
import { insertUser } from "../users/users.store.ts";
import { openSession } from "./open.ts";
import { decide, type RefreshDeps } from "./refresh.ts";
import type { SessionPolicy } from "./session-policy.ts";
import { holdSession } from "./sessions.store.ts";

const origin = {
  address: "127.0.0.1",
  userAgent: "self-test",
  requestId: null,
  actor: { kind: "system" },
} as const;

class Undo extends Error {}

/**
 * Rotates, replays and loses a throw-away session in a transaction that is rolled back, so that a
 * server on which rotation or revocation is broken does not start (RF-18).
 *
 * @throws {Error} saying which step surprised
 */
export async function selfTest(deps: RefreshDeps, policy: SessionPolicy): Promise<void> {
  const strict = { ...policy, refreshGraceSeconds: 0 };
  await transact(deps, async (tx) => {
    const surprise = await rehearse(tx, deps, strict);
    if (surprise !== undefined) throw new Error(`self-test: ${surprise}`);
    throw new Undo();
  }).catch((error: unknown) => {
    if (!(error instanceof Undo)) throw error;
  });
}

async function rehearse(
  tx: Tx,
  deps: RefreshDeps,
  policy: SessionPolicy,
): Promise<string | undefined> {
  const user = await insertUser(tx, {
    id: uuidv4(deps.random),
    email: null,
    emailCanonical: null,
    emailVerifiedAt: null,
    username: null,
    usernameCanonical: null,
    passwordSealed: null,
    superuserSince: null,
    profile: {},
    locale: null,
    createdAt: deps.clock.now(),
  });
  if (user === undefined) return "a user could not be inserted";
  const proven = { amr: ["pwd"], acr: "aal1" } as const;
  const { session } = await openSession(tx, deps, { policy, user, proven }, origin);
  const presented = {
    policy,
    claims: { sid: session.id, gen: 1 },
    attemptHash: null,
    origin,
  };

  const first = await decide(tx, deps, presented);
  if (first.kind !== "granted" || first.grant.generation !== 2)
    return "the first refresh did not rotate";
  const replay = await decide(tx, deps, presented);
  if (replay.kind !== "ended" || replay.cause !== "refresh_reused")
    return "a refresh token used twice was not noticed";
  if ((await holdSession(tx, session.id))?.revokedCause !== "refresh_reused")
    return "the reused session was not revoked";
  if (!(await isRecorded(tx, session.id))) return "the revocation was not written";
  const after = await decide(tx, deps, { ...presented, claims: { sid: session.id, gen: 2 } });
  return after.kind === "ended" ? undefined : "a revoked session was refreshed";
}
