/**
 * How long the browser keeps the cookies of a session: until it is closed, or as long as the
 * session lives.
 */
export type Keeping = "session" | "keep";

/** The credentials of a request in cookie mode. They have not been verified. */
export interface PresentedCookies {
  readonly accessToken?: string | undefined;
  readonly refreshToken?: string | undefined;
  /** A random text that stands for a browser before it has a session. */
  readonly visit?: string | undefined;
  /** What the cookies of the present session say. */
  readonly keeping?: Keeping | undefined;
}

/** The cookies of a request that may use them, and how to set those of its answer. */
export interface CookieCall extends PresentedCookies {
  /** If it is set, the tokens of the answer become cookies of this kind. */
  readonly answersIn?: Keeping;
}

/** The cookies of ours that a request has, by their names. */
export type CookieValues = ReadonlyMap<string, string>;

/** What our own values are made of: tokens, random texts, and a word before them. */
const VALUE = /^[\w.-]+$/;

/**
 * Reads the cookies with these exact names from a `Cookie` header (RFC 6265 §4.2). Others are left
 * to the applications that set them.
 *
 * Returns `undefined` if two parsers could understand the header differently (CK-06): if it has one
 * of the names twice, a name that looks like one of them, one of them within quotes, or a value
 * that we have never set.
 */
export function readCookies(header: string, names: readonly string[]): CookieValues | undefined {
  const found = new Map<string, string>();
  const isQuoted = header.includes('"');
  let quotes = 0;
  for (const part of header.split(";")) {
    const [given = "", value = ""] = splitAt(part, "=");
    const name = given.startsWith(" ") ? given.slice(1) : given;
    if (names.includes(name)) {
      if (quotes % 2 === 1 || found.has(name) || !VALUE.test(value)) return undefined;
      found.set(name, value);
    } else if (resembles(given, names)) return undefined;
    // Some parsers begin a new cookie at a comma.
    if (value.includes(",") && value.split(",").some((text) => resembles(text, names)))
      return undefined;
    if (isQuoted) quotes += part.split('"').length - 1;
  }
  return found;
}

/** Whether a lax parser might read one of the names at the beginning of a text. */
function resembles(text: string, names: readonly string[]): boolean {
  const name = splitAt(text, "=")[0] ?? "";
  // Nearly every name of a cookie is plain itself, and then is like ours only if it has our word.
  if (/^[\w-]*$/.test(name) && !/portcullis/i.test(name)) return false;
  return names.some((ours) => plain(ours) === plain(name));
}

/** Returns the letters, digits, `_` and `-` of a name in lower case, as a lax parser might. */
function plain(name: string): string {
  return name
    .normalize("NFKC")
    .replaceAll(/[^\w-]/g, "")
    .toLowerCase();
}

function splitAt(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

export interface CookieAttributes {
  readonly path: string;
  readonly sameSite: "Lax" | "Strict";
  readonly secure: boolean;
  /** The cookie ends with the browser if it is not set. Zero removes the cookie. */
  readonly maxAgeSeconds?: number | undefined;
}

/**
 * Returns the value of a `Set-Cookie` header for a cookie that no script can read (RFC 6265 §4.1).
 */
export function setCookie(
  name: string,
  value: string,
  { path, sameSite, secure, maxAgeSeconds }: CookieAttributes,
): string {
  return [
    `${name}=${value}`,
    `Path=${path}`,
    ...(maxAgeSeconds === undefined ? [] : [`Max-Age=${maxAgeSeconds}`]),
    ...(secure ? ["Secure"] : []),
    "HttpOnly",
    `SameSite=${sameSite}`,
  ].join("; ");
}
