import { useEffect } from "react";
import { client } from "./api.ts";

const WATCHED_MILLISECONDS = 1000;
const IDLE_MILLISECONDS = 15_000;
/** After this time without a movement the page asks less often. */
const ACTIVE_MILLISECONDS = 60_000;

/**
 * Asks whether the session still lives, so that a logout on another device shows within a second.
 * The server answers from its memory. A hidden page asks nothing.
 */
export function useWatch(isSignedIn: boolean): void {
  useEffect(() => {
    if (!isSignedIn) return undefined;
    const now = (): number => new Date().getTime();
    let movedAt = now();
    let askedAt = now();
    const moved = (): void => void (movedAt = now());
    const ask = (): void => {
      if (document.hidden) return;
      const isActive = now() - movedAt < ACTIVE_MILLISECONDS;
      if (now() - askedAt < (isActive ? WATCHED_MILLISECONDS : IDLE_MILLISECONDS) - 100) return;
      askedAt = now();
      client.call("GET /v1/token").catch(() => undefined);
    };
    const timer = window.setInterval(ask, WATCHED_MILLISECONDS);
    for (const kind of ["pointermove", "keydown", "scroll"])
      addEventListener(kind, moved, { passive: true });
    document.addEventListener("visibilitychange", ask);
    return () => {
      window.clearInterval(timer);
      for (const kind of ["pointermove", "keydown", "scroll"]) removeEventListener(kind, moved);
      document.removeEventListener("visibilitychange", ask);
    };
  }, [isSignedIn]);
}
