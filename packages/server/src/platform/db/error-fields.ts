/** Returns a text member of an error, or "" if there is none. */
export function textIn(error: object, field: string): string {
  const value: unknown = Reflect.get(error, field);
  return typeof value === "string" ? value : "";
}

/** Returns a numeric member of an error, or 0 if there is none. */
export function numberIn(error: object, field: string): number {
  const value: unknown = Reflect.get(error, field);
  return typeof value === "number" ? value : 0;
}
