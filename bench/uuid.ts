/**
 * Makes a well-formed version 7 id for each index and kind, the same at every run. A multiplication
 * spreads its low bits, so that tables treat it like a random one.
 */
export function uuid(index: number, kind: number): string {
  const low = ((BigInt(index) + 1n) * 0x9e3779b97f4a7c15n) & 0x3fffffffffffffffn;
  const tail = (low | 0x8000000000000000n).toString(16).padStart(16, "0");
  return `0192f00${kind}-${(index >>> 16).toString(16).padStart(4, "0")}-7${(index & 0xfff).toString(16).padStart(3, "0")}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}
