import { createHmac, timingSafeEqual } from "node:crypto";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";

/**
 * How far the clock of whoever signs may be from ours, both ways; older reports could be ones that
 * were overheard.
 */
export const TOLERANCE_SECONDS = 300;

/** Several digests are those of several secrets, while one takes the place of another. */
const FORM = /^t=(\d{1,12})((?:,v1=[0-9a-f]{64}){1,4})$/;

/**
 * Checks `t=<Unix seconds>,v1=<hex>`, HMAC-SHA-256 over `<t>.<body>`.
 *
 * @returns what identifies the report, so that it is taken once; `undefined` for any signature but
 *   a good one
 */
export function readSignature(
  secret: string,
  header: string,
  body: Uint8Array,
  now: UnixSeconds,
): string | undefined {
  const [, at = "", digests = ""] = FORM.exec(header) ?? [];
  if (at === "" || Math.abs(now - Number(at)) > TOLERANCE_SECONDS) return undefined;
  const expected = createHmac("sha256", secret).update(`${at}.`).update(body).digest();
  const given = digests.split(",v1=").slice(1);
  return given.some((digest) => timingSafeEqual(Buffer.from(digest, "hex"), expected))
    ? expected.toString("hex")
    : undefined;
}
