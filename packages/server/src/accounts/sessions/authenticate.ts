import type { Verifier, VerifyOutcome } from "@portcullis/verifier";
import type { Feed } from "../../records/revocations/feed.ts";

/** How long a request waits for a poll of the revocation log if this node's view is too old. */
export const STALE_WAIT_MILLISECONDS = 250;

/**
 * Checks an access token without a database query. If the revocation view is too old to decide, it
 * waits for one poll, which all waiting requests share, before it gives up
 * (docs/design/revocation.md).
 */
export function createAuthenticate(
  verifier: Verifier,
  feed: Feed,
): (token: string) => VerifyOutcome | Promise<VerifyOutcome> {
  return (token) => {
    const outcome = verifier.verify(token);
    if (outcome.kind !== "refused" || outcome.code !== "revocation_view_stale") return outcome;
    return feed.refresh(STALE_WAIT_MILLISECONDS).then(() => verifier.verify(token));
  };
}
