/** Any value that a JSON document can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

/** A JSON object, such as a part of the OpenAPI document. */
export interface JsonObject {
  readonly [member: string]: JsonValue;
}

/** Returns whether `value` is a JSON object and not an array. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
