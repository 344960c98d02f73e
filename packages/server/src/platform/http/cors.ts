import type { Headers } from "./headers.ts";

const NONE: Headers = {};
const VARY: Headers = { vary: "Origin" };

/** Cross-origin headers for an exact list of origins. If the list is empty, there are none. */
export interface Cors {
  readonly enabled: boolean;
  headers(origin: string | undefined): Headers;
  /** Returns `undefined` unless this is the preflight of a listed origin. */
  preflight(
    origin: string | undefined,
    requestedMethod: string | undefined,
    methods: string,
  ): Headers | undefined;
}

/**
 * The request headers that scripts may send: those that Django's CORS package allows by default
 * (`CORS_ALLOW_HEADERS` of django-cors-headers), and ours for cookie mode.
 */
const ALLOWED_HEADERS = [
  "Accept",
  "Authorization",
  "Content-Type",
  "Portcullis-Cookies",
  "User-Agent",
  "X-CSRF-Token",
  "X-CSRFToken",
  "X-Requested-With",
].join(", ");

/**
 * Scripts of a listed origin may send credentials, too (CK-08). A browser sends the cookies only if
 * the origin is of the same site, and no call changes anything without the CSRF token.
 *
 * @throws {RangeError} if an entry is not `scheme://host[:port]` as browsers write it
 */
export function cors(allowedOrigins: readonly string[]): Cors {
  for (const origin of allowedOrigins)
    if (!URL.canParse(origin) || new URL(origin).origin !== origin)
      throw new RangeError(`"${origin}" is not an origin such as https://app.example.com`);

  const allowed = new Map<string, Headers>(
    allowedOrigins.map((origin) => [
      origin,
      {
        ...VARY,
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "Retry-After, WWW-Authenticate, X-Request-Id",
      },
    ]),
  );
  const headers = (origin: string | undefined): Headers => {
    if (allowed.size === 0) return NONE;
    return (origin === undefined ? undefined : allowed.get(origin)) ?? VARY;
  };
  return {
    enabled: allowed.size > 0,
    headers,
    preflight: (origin, requestedMethod, methods) => {
      const simple = headers(origin);
      if (requestedMethod === undefined || simple === NONE || simple === VARY) return undefined;
      return {
        ...simple,
        "access-control-allow-headers": ALLOWED_HEADERS,
        "access-control-allow-methods": methods,
        "access-control-max-age": "600",
      };
    },
  };
}
