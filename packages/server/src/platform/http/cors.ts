import type { Headers } from "./headers.ts";
import { originsOf, type OriginRules } from "./origins.ts";

const NONE: Headers = {};
const VARY: Headers = { vary: "Origin" };

/**
 * The request headers that scripts may send: those that Django's CORS package allows by default
 * (`CORS_ALLOW_HEADERS` of django-cors-headers), and ours for cookie mode.
 */
const ALLOWED_HEADERS: readonly string[] = [
  "Accept",
  "Authorization",
  "Content-Type",
  "Portcullis-Cookies",
  "User-Agent",
  "X-CSRF-Token",
  "X-CSRFToken",
  "X-Requested-With",
];

const EXPOSED_HEADERS = "Retry-After, WWW-Authenticate, X-Request-Id";

export interface CorsOptions extends OriginRules {
  /** Request headers that scripts may send in addition. */
  readonly allowedHeaders: readonly string[];
}

/** The questions of a preflight (Fetch Standard §3.3.2). */
export interface Preflight {
  readonly origin: string | undefined;
  readonly method: string | undefined;
  readonly headers: string | undefined;
}

export type PreflightOutcome =
  | { readonly kind: "none" }
  /** The browser will not send the call. `setting` is the one that would allow it. */
  | { readonly kind: "refused"; readonly origin: string; readonly setting: CorsSetting }
  | {
      readonly kind: "answered";
      readonly headers: Headers;
      /** The first header that the browser will not send, because it is not in the list. */
      readonly missing?: string;
    };

export type CorsSetting = "PORTCULLIS_ALLOWED_ORIGINS" | "PORTCULLIS_ALLOWED_HEADERS";

/** Cross-origin headers for the origins of a list (CK-08), or none if the list is empty. */
export interface Cors {
  readonly enabled: boolean;
  headers(origin: string | undefined): Headers;
  preflight(asked: Preflight, methods: string): PreflightOutcome;
}

/**
 * The origin of the answer is one that the list has or fits, and never a copy of any other.
 *
 * @throws {RangeError} if an entry of the list is not an origin as browsers write it
 */
export function cors(options: CorsOptions): Cors {
  const origins = originsOf(options);
  const allowedHeaders = [...ALLOWED_HEADERS, ...options.allowedHeaders];
  const known = new Set(allowedHeaders.map((name) => name.toLowerCase()));

  const headers = (origin: string | undefined): Headers => {
    if (!origins.any) return NONE;
    const rights = origin === undefined ? undefined : origins.rightsOf(origin);
    if (origin === undefined || rights === undefined) return VARY;
    return {
      ...VARY,
      "access-control-allow-origin": origin,
      ...(rights === "cookies" && { "access-control-allow-credentials": "true" }),
      "access-control-expose-headers": EXPOSED_HEADERS,
    };
  };
  return {
    enabled: origins.any,
    headers,
    preflight: ({ origin, method, headers: asked = "" }, methods) => {
      if (origin === undefined || method === undefined) return { kind: "none" };
      const simple = headers(origin);
      if (simple === NONE || simple === VARY)
        return { kind: "refused", origin, setting: "PORTCULLIS_ALLOWED_ORIGINS" };
      const missing = asked
        .split(",")
        .map((name) => name.trim().toLowerCase())
        .find((name) => name !== "" && !known.has(name));
      return {
        kind: "answered",
        headers: {
          ...simple,
          "access-control-allow-headers": allowedHeaders.join(", "),
          "access-control-allow-methods": methods,
          "access-control-max-age": "600",
        },
        ...(missing !== undefined && { missing }),
      };
    },
  };
}
