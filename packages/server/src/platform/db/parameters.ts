/**
 * The databases differ in what they make of other values (node:sqlite stores a date as null,
 * PostgreSQL does so with undefined), so both get only these.
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
