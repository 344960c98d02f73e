/** A bounded memory of tokens. Forgetting one costs a signature check and nothing else. */
export interface TokenCache<Value> {
  get(token: string): Value | undefined;
  set(token: string, value: Value): void;
  delete(token: string): void;
  clear(): void;
  readonly size: number;
}

/** Enough of a signature that two tokens do not share it by chance. */
const TAIL_LENGTH = 24;

/**
 * A hit is a hit of the whole token. It is looked for by the end of it, since hashing half a
 * kilobyte that has just come off a socket costs three times as much as everything else `verify`
 * does.
 *
 * Two generations: when the young one is full it becomes the old one, and the old one is dropped.
 * What is asked for again moves to the young one. Close to least-recently-used, without touching
 * the map on the common hit.
 *
 * @param limit entries kept at most; 0 keeps none
 */
export function createTokenCache<Value>(limit: number): TokenCache<Value> {
  if (!Number.isSafeInteger(limit) || limit < 0) throw new RangeError(`a cache of ${limit} tokens`);
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
