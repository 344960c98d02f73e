export type Headers = Readonly<Record<string, string>>;

const YEAR_SECONDS = 31_536_000;

/**
 * Returns the headers of every answer, errors included (HD-01, HD-02). HSTS is among them only if
 * the public URL is https.
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

/** Endpoints whose answers hold nothing personal and may be cached for a while. */
export const cacheable: Headers = { getKeys: "public, max-age=300" };
