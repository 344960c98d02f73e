import type { EndCause } from "@portcullis/contract";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import type { HeldSession } from "./sessions.store.ts";

/**
 * How refresh tokens follow one another. `forgiving` is the table of docs/design/refresh.md. As
 * SimpleJWT does it, `every_call` rotates however young the token is and refuses the one before at
 * once, which is theft only once the grace is over; `never` gives out no successor at all.
 */
export type Rotation = "forgiving" | "every_call" | "never";

export type Verdict =
  | { readonly kind: "ended"; readonly cause: EndCause; readonly endedAt: UnixSeconds }
  | { readonly kind: "rotate" }
  /**
   * `confirms`: the client was seen to hold the current token. `audited`: it presented the one
   * before.
   */
  | { readonly kind: "repeat"; readonly confirms: boolean; readonly audited: boolean }
  /** Nothing is renewed while the account waits for its activation, and nothing ends. */
  | { readonly kind: "paused" }
  /** It has a successor, by the strict ways of a face. */
  | { readonly kind: "spent" }
  | { readonly kind: "theft"; readonly cause: "refresh_reused" | "refresh_ahead" };

type Judged = Pick<
  HeldSession,
  | "generation"
  | "rotatedAt"
  | "confirmedAt"
  | "attemptHash"
  | "hardEpoch"
  | "idleEndsAt"
  | "endsAt"
  | "revokedAt"
  | "revokedCause"
  | "user"
>;

interface Judging {
  /**
   * How long the token that a rotation has replaced still gets its answer, in seconds. The tables
   * of docs/design/refresh.md call it G; 0 is the strict profile.
   */
  readonly graceSeconds: number;
  /** The default is `forgiving`. */
  readonly rotation?: Rotation | undefined;
}

/**
 * Decides by the table of docs/design/refresh.md, from top to bottom. The verdict depends only on
 * the held row, the presented token and the clock.
 */
export function judge(
  session: Judged,
  presented: { readonly generation: number; readonly attemptHash: string | null },
  now: UnixSeconds,
  { graceSeconds, rotation = "forgiving" }: Judging,
): Verdict {
  const ended = endOf(session, now);
  if (ended !== undefined) return ended;
  if (session.user.pausedAt !== null) return { kind: "paused" };
  const behind = session.generation - presented.generation;
  const inGrace = now - session.rotatedAt < graceSeconds;
  if (behind < 0) return { kind: "theft", cause: "refresh_ahead" };
  if (behind === 0 && rotation === "never")
    return { kind: "repeat", confirms: true, audited: false };
  if (behind === 0 && rotation === "every_call") return { kind: "rotate" };
  if (behind > 0 && rotation !== "forgiving")
    return inGrace ? { kind: "spent" } : { kind: "theft", cause: "refresh_reused" };
  if (behind === 0)
    return inGrace ? { kind: "repeat", confirms: true, audited: false } : { kind: "rotate" };
  if (behind === 1 && (inGrace || isLostAnswer(session, presented.attemptHash)))
    return { kind: "repeat", confirms: false, audited: true };
  return { kind: "theft", cause: "refresh_reused" };
}

/** Why a session is over; `undefined` while it lives. */
export function endOf(
  session: Judged,
  now: UnixSeconds,
): Extract<Verdict, { kind: "ended" }> | undefined {
  if (session.revokedAt !== null)
    return { kind: "ended", cause: session.revokedCause ?? "admin", endedAt: session.revokedAt };
  if (session.endsAt <= now) return { kind: "ended", cause: "expired", endedAt: session.endsAt };
  if (session.idleEndsAt <= now)
    return { kind: "ended", cause: "idle", endedAt: session.idleEndsAt };
  if (session.user.disabledAt !== null)
    return { kind: "ended", cause: "user_disabled", endedAt: session.user.disabledAt };
  if (session.hardEpoch !== session.user.hardEpoch)
    return { kind: "ended", cause: "logout_everywhere", endedAt: now };
  return undefined;
}

/** The client never used what the last rotation gave it, and this is that rotation again. */
function isLostAnswer(session: Judged, attemptHash: string | null): boolean {
  return (
    session.confirmedAt === null && attemptHash !== null && attemptHash === session.attemptHash
  );
}
