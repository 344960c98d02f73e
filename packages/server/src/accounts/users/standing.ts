import { createHash } from "node:crypto";
import type { User } from "./users.store.ts";

/**
 * What an account is proven against, in short. Whatever was begun before its password, its address
 * or its hard epoch changed, by logging out everywhere, by being disabled or by a recovery, is
 * worth nothing after (LG-11, PK-08).
 */
export function standingOf({ hardEpoch, passwordChangedAt, emailCanonical }: User): string {
  return createHash("sha256")
    .update(JSON.stringify([hardEpoch, passwordChangedAt, emailCanonical]))
    .digest("base64url");
}
