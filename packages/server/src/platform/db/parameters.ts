/**
 * Lets only those values pass that both databases store alike. They differ in others: node:sqlite
 * stores a date as null, and PostgreSQL does so with undefined.
 *
 * @throws {TypeError} without the value, which may be a secret
 */
export function assertStorable(
  parameters: readonly unknown[],
  allow: { readonly booleans: boolean } = { booleans: false },
): void {
  for (let i = 0; i < parameters.length; i += 1) {
    const value = parameters[i];
    if (typeof value === "string" || value === null || Number.isFinite(value)) continue;
    if (typeof value === "bigint" || value instanceof Uint8Array) continue;
    if (typeof value === "boolean" && allow.booleans) continue;
    throw new TypeError(
      `query parameter ${i + 1} (${typeof value}) is neither text, a finite number, bytes nor null`,
    );
  }
}
