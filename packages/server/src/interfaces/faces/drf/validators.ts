import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { lengthOf } from "./python.ts";

/**
 * Returns the complaints about a value in the words for the client. The list is empty if there are
 * none.
 */
export type Validator = (value: string) => readonly string[] | Promise<readonly string[]>;

const DOT_ATOM = /^[-!#$%&'*+/=?^_`{}|~0-9a-z]+(?:\.[-!#$%&'*+/=?^_`{}|~0-9a-z]+)*$/i;
const QUOTED =
  // oxlint-disable-next-line no-control-regex -- RFC 5322 allows them between quotes
  /^"(?:[\u0001-\u0008\u000b\u000c\u000e-\u001f!#-[\]-\u007f]|\\[\u0001-\u0009\u000b\u000c\u000e-\u007f])*"$/;
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}(?<!-)$/i;
// Excludes escapes, because `domainToASCII` would resolve them.
const INTERNATIONAL = /^[^%]*\P{ASCII}[^%]*$/u;
const LITERAL = /^\[([a-f0-9:.]+)\]$/i;
const MAX_EMAIL = 320;

/**
 * Checks an address like `EmailValidator` of Django 3.2: `a@localhost` and `a@[127.0.0.1]` pass,
 * and letters beyond ASCII may stand in the domain only.
 */
export function isEmail(value: string): boolean {
  const at = value.lastIndexOf("@");
  if (at === -1 || lengthOf(value) > MAX_EMAIL) return false;
  const user = value.slice(0, at);
  const domain = value.slice(at + 1);
  if (!DOT_ATOM.test(user) && !QUOTED.test(user)) return false;
  return (
    domain === "localhost" ||
    isDomain(domain) ||
    (INTERNATIONAL.test(domain) && isDomain(domainToASCII(domain)))
  );
}

function isDomain(domain: string): boolean {
  return DOMAIN.test(domain) || isIP(LITERAL.exec(domain)?.[1] ?? "") !== 0;
}

/** Checks like `UnicodeUsernameValidator`. */
export const isUsername: Validator = (value) =>
  /^[\p{L}\p{N}_.@+-]+$/u.test(value)
    ? []
    : [
        "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.",
      ];

/** Checks like `ProhibitNullCharactersValidator`. */
export const hasNoNull: Validator = (value) =>
  value.includes("\0") ? ["Null characters are not allowed."] : [];

/**
 * Checks like `ProhibitSurrogateCharactersValidator`. JSON can write half of a surrogate pair, but
 * UTF-8 cannot.
 */
export const isWellFormed: Validator = (value) => {
  const half = /[\uD800-\uDFFF]/u.exec(value)?.[0];
  return half === undefined
    ? []
    : [`Surrogate characters are not allowed: U+${half.charCodeAt(0).toString(16).toUpperCase()}.`];
};

export const atMost =
  (limit: number): Validator =>
  (value) =>
    lengthOf(value) > limit ? [`Ensure this field has no more than ${limit} characters.`] : [];

export const atLeast =
  (limit: number): Validator =>
  (value) =>
    lengthOf(value) < limit ? [`Ensure this field has at least ${limit} characters.`] : [];
