import { createHmac, timingSafeEqual } from "node:crypto";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";

/**
 * The tolerated difference between our clock and that of the signer, both ways. An older report may
 * have been overheard and sent again.
 */
export const TOLERANCE_SECONDS = 300;

/**
 * A header may hold several digests, made with several secrets, while one secret replaces another.
 */
const FORM = /^t=(\d{1,12})((?:,v1=[0-9a-f]{64}){1,4})$/;

/**
 * Checks `t=<Unix seconds>,v1=<hex>`, an HMAC-SHA-256 over `<t>.<body>`.
 *
 * @returns a text that identifies the report, so that it is taken only once, or `undefined` if the
 *   signature is not good
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
