/**
 * Remembers a bounded number of tokens. If one is forgotten, its next use costs a signature check
 * and nothing else.
 */
export interface TokenCache<Value> {
  get(token: string): Value | undefined;
  set(token: string, value: Value): void;
  delete(token: string): void;
  clear(): void;
  readonly size: number;
}

/** The number of characters of a signature that two tokens do not share by chance. */
const TAIL_LENGTH = 24;

/**
 * Makes a cache of tokens.
 *
 * A token is looked up by its last characters, because hashing the half kilobyte of a token that
 * has just come off a socket costs three times as much as everything else that `verify` does. It
 * counts as found only if the whole token is equal.
 *
 * The cache has two generations. When the young one is full, it becomes the old one, and the old
 * one is dropped. An old entry that is used again moves to the young generation. This comes close
 * to least-recently-used without changing the map on the common hit.
 *
 * @param limit the greatest number of entries; with 0 or 1 the cache keeps none
 * @throws {RangeError} if `limit` is not a whole number of at least 0
 */
export function createTokenCache<Value>(limit: number): TokenCache<Value> {
  if (!Number.isSafeInteger(limit) || limit < 0)
    throw new RangeError(
      `The cache size is ${limit} tokens, but must be a whole number of at least 0.`,
    );
  const half = Math.floor(limit / 2);
  let young = new Map<string, Entry<Value>>();
  let old = new Map<string, Entry<Value>>();

  const put = (tail: string, entry: Entry<Value>): void => {
    if (half === 0) return;
    if (young.size >= half) {
      old = young;
      young = new Map();
    }
    young.set(tail, entry);
  };

  return {
    get: (token) => {
      const tail = token.slice(-TAIL_LENGTH);
      const recent = young.get(tail);
      if (recent !== undefined) return recent.token === token ? recent.value : undefined;
      const older = old.get(tail);
      if (older === undefined || older.token !== token) return undefined;
      put(tail, older);
      return older.value;
    },
    set: (token, value) => put(token.slice(-TAIL_LENGTH), { token, value }),
    delete: (token) => {
      const tail = token.slice(-TAIL_LENGTH);
      young.delete(tail);
      old.delete(tail);
    },
    clear: () => {
      young = new Map();
      old = new Map();
    },
    get size() {
      return young.size + old.size;
    },
  };
}

interface Entry<Value> {
  readonly token: string;
  readonly value: Value;
}
