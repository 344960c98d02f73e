/** The 128 bits of a UUID as four signed 32-bit words. */
export interface UuidWords {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

const canonical = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Lower case with hyphens only: an id with two spellings could be revoked under one and used under the other. */
export function isUuid(text: unknown): text is string {
  return typeof text === "string" && canonical.test(text);
}

/** @throws {RangeError} if `text` is not a UUID in canonical spelling */
export function uuidWords(text: string): UuidWords {
  if (!isUuid(text)) throw new RangeError("an id that is not a lower-case UUID");
  return {
    a: word(text.slice(0, 8)),
    b: word(text.slice(9, 13) + text.slice(14, 18)),
    c: word(text.slice(19, 23) + text.slice(24, 28)),
    d: word(text.slice(28)),
  };
}

function word(hex: string): number {
  return Number.parseInt(hex, 16) | 0;
}
