/**
 * The reason why a JSON text is refused.
 *
 * - `syntax`: the text is not JSON (RFC 8259).
 * - `duplicate_key`: an object has two members of the same name.
 * - `forbidden_key`: a member's name could reach an object's prototype: `__proto__`, `constructor`
 *   or `prototype`.
 * - `too_deep`: more objects and lists are nested than allowed.
 * - `bad_text`: a string contains NUL or half a surrogate pair, written out or escaped.
 */
export type JsonDefect = "syntax" | "duplicate_key" | "forbidden_key" | "too_deep" | "bad_text";

/**
 * A scanning function returns the position after the text that it has read. If it finds a defect,
 * it returns one of these negative numbers; `-1 - number` is the index of the defect in `defects`.
 */
const SYNTAX = -1;
const BAD_TEXT = -2;
const DUPLICATE_KEY = -3;
const FORBIDDEN_KEY = -4;
const defects: readonly JsonDefect[] = ["syntax", "bad_text", "duplicate_key", "forbidden_key"];

const forbiddenKeys: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);
const SHORTEST_FORBIDDEN = "prototype".length;

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const LOWER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * The names seen so far in one open object. They are in a list at first, because a short list is
 * searched faster than a set is made.
 */
interface Names {
  readonly few: string[];
  many: Set<string> | undefined;
}

/** The number of names up to which the list is searched. */
const FEW = 12;

/**
 * Checks a JSON text more strictly than `JSON.parse` does.
 *
 * If an object has two members of the same name, `JSON.parse` keeps the last one, but another
 * reader may keep the first, and the two would then see different values (RFC 8259 §4). Call this
 * function on text that comes from outside, and parse the text after it has passed. The function
 * reads the text once, does not recurse and builds no value.
 *
 * @example
 * ```ts
 * import { findJsonDefect } from "@portcullis/verifier";
 *
 * console.log(findJsonDefect('{"admin":false}', { maxDepth: 8 })); // undefined
 *
 * const twice = '{"admin":false,"\\u0061dmin":true}';
 * console.log(findJsonDefect(twice, { maxDepth: 8 })); // duplicate_key
 * console.log(findJsonDefect("[[[]]]", { maxDepth: 2 })); // too_deep
 * ```
 *
 * @param text the JSON text
 * @param options.maxDepth the greatest number of objects and lists that may be open at once
 * @returns the first defect, or `undefined` if there is none
 */
export function findJsonDefect(
  text: string,
  { maxDepth }: { readonly maxDepth: number },
): JsonDefect | undefined {
  const open: (Names | null)[] = [];
  let innermost: Names | null | undefined;
  let at = skipSpace(text, 0);
  for (;;) {
    const start = text.charCodeAt(at);
    if (start === OPEN_BRACE || start === OPEN_BRACKET) {
      if (open.length >= maxDepth) return "too_deep";
      at = skipSpace(text, at + 1);
      if (text.charCodeAt(at) === start + 2) {
        at += 1;
      } else {
        innermost = start === OPEN_BRACE ? { few: [], many: undefined } : null;
        open.push(innermost);
        if (innermost !== null) at = readName(text, at, innermost);
        if (at < 0) return defects[-1 - at];
        continue;
      }
    } else {
      at = start === QUOTE ? skipString(text, at) : skipScalar(text, at);
      if (at < 0) return defects[-1 - at];
    }

    for (;;) {
      at = skipSpace(text, at);
      if (innermost === undefined) return at === text.length ? undefined : "syntax";
      const next = text.charCodeAt(at);
      at += 1;
      if (next === COMMA) {
        at = skipSpace(text, at);
        if (innermost !== null) at = readName(text, at, innermost);
        if (at < 0) return defects[-1 - at];
        break;
      }
      if (next !== (innermost === null ? CLOSE_BRACKET : CLOSE_BRACE)) return "syntax";
      open.pop();
      innermost = open.at(-1);
    }
  }
}

/** Reads `"name" :` and the space after it, up to the value. */
function readName(text: string, at: number, names: Names): number {
  if (text.charCodeAt(at) !== QUOTE) return SYNTAX;
  const end = skipString(text, at);
  if (end < 0) return end;
  const colon = skipSpace(text, end);
  if (text.charCodeAt(colon) !== COLON) return SYNTAX;

  const written = text.slice(at + 1, end - 1);
  const name = written.includes("\\") ? String(JSON.parse(text.slice(at, end))) : written;
  if (name.length >= SHORTEST_FORBIDDEN && forbiddenKeys.has(name)) return FORBIDDEN_KEY;
  return remember(names, name) ? skipSpace(text, colon + 1) : DUPLICATE_KEY;
}

/** Adds a name. Returns `false` if the object has it already. */
function remember(names: Names, name: string): boolean {
  if (names.many !== undefined) return names.many.size !== names.many.add(name).size;
  if (names.few.includes(name)) return false;
  if (names.few.push(name) > FEW) names.many = new Set(names.few);
  return true;
}

/** Reads a string, from its opening quote to its closing one. */
function skipString(text: string, at: number): number {
  let afterHigh = false;
  for (let i = at + 1; i < text.length; i += 1) {
    let unit = text.charCodeAt(i);
    if (unit === QUOTE) return afterHigh ? BAD_TEXT : i + 1;
    if (unit < 0x20) return SYNTAX;
    if (unit === BACKSLASH) {
      i += 1;
      if (text.charCodeAt(i) === LOWER_U) {
        unit = readHex(text, i + 1);
        if (unit < 0) return SYNTAX;
        if (unit === 0) return BAD_TEXT;
        i += 4;
      } else if (!isShortEscape(text.charCodeAt(i))) {
        return SYNTAX;
      }
    }
    if (unit < 0xd800 && !afterHigh) continue;
    // A low surrogate must follow a high one, and a high one must precede a low one.
    if (((unit & 0xfc00) === 0xdc00) !== afterHigh) return BAD_TEXT;
    afterHigh = (unit & 0xfc00) === 0xd800;
  }
  return SYNTAX;
}

/** Accepts `"`, `\`, `/`, `b`, `f`, `n`, `r` and `t`. */
function isShortEscape(unit: number): boolean {
  switch (unit) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
    case 0x62:
    case LOWER_F:
    case LOWER_N:
    case 0x72:
    case LOWER_T:
      return true;
    default:
      return false;
  }
}

/** Reads the four hexadecimal digits of a `\u` escape. */
function readHex(text: string, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i += 1) {
    const unit = text.charCodeAt(i);
    if (isDigit(unit)) value = value * 16 + unit - ZERO;
    else if ((unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x66)
      value = value * 16 + (unit | 0x20) - 0x57;
    else return SYNTAX;
  }
  return value;
}

/** Reads `true`, `null`, `false` or a number. */
function skipScalar(text: string, at: number): number {
  switch (text.charCodeAt(at)) {
    case LOWER_T:
      return text.startsWith("true", at) ? at + 4 : SYNTAX;
    case LOWER_N:
      return text.startsWith("null", at) ? at + 4 : SYNTAX;
    case LOWER_F:
      return text.startsWith("false", at) ? at + 5 : SYNTAX;
    default:
      return skipNumber(text, at);
  }
}

/** Reads a number as RFC 8259 §6 defines it. */
function skipNumber(text: string, at: number): number {
  let i = text.charCodeAt(at) === MINUS ? at + 1 : at;
  i = text.charCodeAt(i) === ZERO ? i + 1 : skipDigits(text, i);
  if (i > 0 && text.charCodeAt(i) === DOT) i = skipDigits(text, i + 1);
  if (i > 0 && (text.charCodeAt(i) | 0x20) === 0x65) {
    const sign = text.charCodeAt(i + 1);
    i = skipDigits(text, sign === PLUS || sign === MINUS ? i + 2 : i + 1);
  }
  return i;
}

/** Reads digits. A text without a digit here is a defect. */
function skipDigits(text: string, at: number): number {
  let i = at;
  while (isDigit(text.charCodeAt(i))) i += 1;
  return i > at ? i : SYNTAX;
}

function isDigit(unit: number): boolean {
  return unit >= ZERO && unit <= NINE;
}

function skipSpace(text: string, at: number): number {
  for (let i = at; ; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return i;
  }
}
