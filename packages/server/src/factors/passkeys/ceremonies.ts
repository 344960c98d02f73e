import type { Db } from "../../db/open.ts";
import type { Clock } from "../../kernel/clock.ts";
import { uuidv7 } from "../../kernel/ids.ts";
import type { Random } from "../../kernel/random.ts";
import { standingOf } from "../../users/standing.ts";
import type { User } from "../../users/users.store.ts";
import { consumeCeremony, insertCeremony, type Ceremony } from "./ceremonies.store.ts";

export interface CeremonyDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
}

/** What a ceremony is begun for; it can be finished for nothing else. */
export type Purpose = Pick<Ceremony, "kind" | "userId" | "flowId" | "standing">;

/** PK-01. */
const CHALLENGE_BYTES = 32;
export const CEREMONY_SECONDS = 300;

/** For a sign-in by passkey alone: nobody has said who they are. */
export const anybody: Purpose = { kind: "sign_in", userId: null, flowId: "", standing: "" };

export function purposeOf(kind: "registration" | "second_factor", flowId: string, user: User): Purpose {
  return { kind, userId: user.id, flowId, standing: standingOf(user) };
}

export async function beginCeremony(deps: CeremonyDeps, purpose: Purpose): Promise<Ceremony> {
  const now = deps.clock.now();
  const challenge = deps.random.bytes(CHALLENGE_BYTES).toString("base64url");
  const ceremony: Ceremony = { id: uuidv7(deps), ...purpose, challenge, createdAt: now, expiresAt: now + CEREMONY_SECONDS };
  await deps.db.transaction().execute(async (tx) => insertCeremony(tx, ceremony));
  return ceremony;
}

/**
 * Ends a ceremony before anything of the credential is read, so that each is tried once; `undefined` where it was not begun for this,
 * or its user is not what they were (PK-01, PK-08).
 */
export async function endCeremony(deps: CeremonyDeps, id: string, purpose: Purpose): Promise<Ceremony | undefined> {
  const ceremony = await deps.db.transaction().execute(async (tx) => consumeCeremony(tx, id));
  if (ceremony === undefined || ceremony.expiresAt <= deps.clock.now()) return undefined;
  const { kind, userId, flowId, standing } = purpose;
  const isMeant = ceremony.kind === kind && ceremony.userId === userId && ceremony.flowId === flowId && ceremony.standing === standing;
  return isMeant ? ceremony : undefined;
}
