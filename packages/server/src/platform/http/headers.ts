export type Headers = Readonly<Record<string, string>>;

const YEAR_SECONDS = 31_536_000;

/**
 * What every answer carries, errors included (HD-01, HD-02). HSTS only where the public URL is
 * https.
 */
export function baseHeaders(publicUrl: string): Headers {
  return {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    ...(publicUrl.startsWith("https:")
      ? { "strict-transport-security": `max-age=${YEAR_SECONDS}; includeSubDomains` }
      : {}),
    "x-content-type-options": "nosniff",
  };
}

/** The calls whose answers hold nothing personal and may be kept for a while. */
export const cacheable: Headers = { getKeys: "public, max-age=300" };
