/** What the pages of an origin may do. */
export type OriginRights =
  /** Call with tokens in headers, and with cookies. */
  | "cookies"
  /** Call with tokens in headers. */
  | "tokens";

export interface OriginRules {
  /** Origins of the list of settings. */
  readonly allowedOrigins: readonly string[];
  /** Whether every port of `http://localhost` is allowed, as in development. */
  readonly allowsLocalhost: boolean;
}

export interface Origins {
  /** Whether any page of another origin may call. */
  readonly any: boolean;
  /** Returns `undefined` if the pages of the origin may not call. */
  rightsOf(origin: string): OriginRights | undefined;
}

/**
 * The schemes of apps that are pages, such as `capacitor://localhost`. Browsers have no URL origin
 * for them, but send one. A page of any other scheme, such as `file://`, sends `null`.
 */
const APP_ORIGIN =
  /^(?!https?:|file:|data:|blob:|about:|javascript:)[a-z][a-z0-9+.-]*:\/\/[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?$/;

/** One label in place of the star, and at least two after it, so that no top-level domain fits. */
const PATTERN = /^https:\/\/\*((?:\.[a-z0-9-]+){2,}(?::\d{1,5})?)$/;

const LOCALHOST = /^http:\/\/localhost(?::\d{1,5})?$/;

/**
 * Tells whether an entry of the list is an origin as browsers write it, the origin of an app, or a
 * pattern such as `https://*.preview.example.com`.
 */
export function isAllowable(entry: string): boolean {
  return isWebOrigin(entry) || APP_ORIGIN.test(entry) || PATTERN.test(entry);
}

/** Tells whether a text is the origin of a web page as browsers write it (RFC 6454 §6.2). */
export function isWebOrigin(entry: string): boolean {
  return URL.canParse(entry) && new URL(entry).origin === entry && /^https?:[^*]*$/.test(entry);
}

/**
 * Compares origins letter by letter. A pattern never gives the right to use cookies, because hosts
 * for previews are often made by people who may not act for the users (CK-08).
 *
 * @throws {RangeError} if an entry is neither an origin nor a pattern
 */
export function originsOf({ allowedOrigins, allowsLocalhost }: OriginRules): Origins {
  const exact = new Set<string>();
  const tails: string[] = [];
  for (const entry of allowedOrigins) {
    if (!isAllowable(entry))
      throw new RangeError(`"${entry}" is not an origin such as https://app.example.com`);
    const tail = PATTERN.exec(entry)?.[1];
    if (tail === undefined) exact.add(entry);
    else tails.push(tail);
  }
  return {
    any: exact.size > 0 || tails.length > 0 || allowsLocalhost,
    rightsOf: (origin) => {
      if (exact.has(origin) || (allowsLocalhost && LOCALHOST.test(origin))) return "cookies";
      return tails.some((tail) => fits(origin, tail)) ? "tokens" : undefined;
    },
  };
}

/** Whether an origin is `https://`, one label of a host name, and `tail`. */
function fits(origin: string, tail: string): boolean {
  if (!origin.endsWith(tail)) return false;
  return /^https:\/\/[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(origin.slice(0, -tail.length));
}
