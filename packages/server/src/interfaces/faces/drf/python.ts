/**
 * A number of a JSON text, kept as Python's `str` writes it. JavaScript would round
 * 12345678901234567890 and drop the ".0" of 1.0.
 */
export class Numeral {
  readonly text: string;
  readonly isFloat: boolean;

  /** @param source the number as it stands in the JSON text */
  constructor(source: string) {
    this.isFloat = /[.eE]/.test(source);
    if (this.isFloat) this.text = floatText(Number(source));
    else this.text = source === "-0" ? "0" : source;
  }
}

/**
 * Writes a float as Python's `repr` does: with the same digits as JavaScript, but with an exponent
 * below 1e-4 and from 1e16 on.
 */
function floatText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16))
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  const text = Object.is(value, -0) ? "-0" : String(value);
  return text.includes(".") ? text : `${text}.0`;
}

/**
 * The characters for which `str.isspace` is true. They include the file, group, record and unit
 * separators and NEL, but not the byte order mark.
 */
const SPACE = new Set(
  "\t\n\v\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000",
);

/** Strips like `str.strip()`. */
export function strip(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && SPACE.has(text.charAt(start))) start += 1;
  while (end > start && SPACE.has(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** Returns `len(text)`, which counts code points and not UTF-16 units. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** Returns `bool(value)` of a member of a body. A missing member is `undefined`. */
export function isTruthy(value: unknown): boolean {
  if (value instanceof Numeral) return Number(value.text.replace("inf", "Infinity")) !== 0;
  if (Array.isArray(value)) return value.length > 0;
  if (
    typeof value === "object" &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype
  )
    return Object.keys(value).length > 0;
  return Boolean(value);
}

/** Returns `type(value).__name__` of a parsed JSON value. */
export function typeName(value: unknown): string {
  if (value === null) return "NoneType";
  if (value instanceof Numeral) return value.isFloat ? "float" : "int";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "str";
  return Array.isArray(value) ? "list" : "dict";
}
