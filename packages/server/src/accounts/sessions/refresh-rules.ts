import type { EndCause } from "@portcullis/contract";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import type { HeldSession } from "./sessions.store.ts";

/**
 * How refresh tokens follow one another.
 * - `forgiving`: by the table of docs/design/refresh.md.
 * - `every_call`: as SimpleJWT rotates. Every refresh gives out a new token, however young the old
 *   one is, and the old one is refused at once. Using it counts as theft only after the grace.
 * - `never`: as SimpleJWT without rotation. There is no successor at all.
 */
export type Rotation = "forgiving" | "every_call" | "never";

export type Verdict =
  | { readonly kind: "ended"; readonly cause: EndCause; readonly endedAt: UnixSeconds }
  | { readonly kind: "rotate" }
  /**
   * `confirms`: the client has shown that it has the current token. `audited`: it has presented the
   * one before, which is recorded.
   */
  | { readonly kind: "repeat"; readonly confirms: boolean; readonly audited: boolean }
  /** The account waits for its activation. Nothing is renewed and nothing ends. */
  | { readonly kind: "paused" }
  /** The token has been replaced already, under a face's strict rotation. */
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
   * How long a token still gets its answer after a rotation has replaced it, in seconds. The tables
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

/** Returns why and when a session has ended, or `undefined` if it is alive. */
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

/** Tells whether this is the last rotation again, whose answer the client has never used. */
function isLostAnswer(session: Judged, attemptHash: string | null): boolean {
  return (
    session.confirmedAt === null && attemptHash !== null && attemptHash === session.attemptHash
  );
}
