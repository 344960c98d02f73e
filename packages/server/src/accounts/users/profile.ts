import type * as Ajv from "ajv/dist/2020.js";
import type { ErrorObject, ValidateFunction } from "ajv/dist/2020.js";
import { fullFormats } from "ajv-formats/dist/formats.js";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

export type Json = string | number | boolean | null | Json[] | { [member: string]: Json };
export type Profile = Record<string, Json>;

export interface ProfileProblem {
  /** The place in the profile, as a JSON Pointer (RFC 6901). It is empty for the whole profile. */
  readonly path: string;
  readonly message: string;
}

export interface ProfileRules {
  /** Returns the first problem of a profile as it would be stored, or an empty list. */
  check(profile: Profile): readonly ProfileProblem[];
  /**
   * Applies a patch to the stored profile (RFC 7396): null removes a member, and lists are replaced
   * as a whole.
   */
  merge(stored: Profile, patch: Profile): Profile;
}

const LARGEST_BYTES = 8192;
const DEEPEST = 16;

/**
 * Excludes characters that break a line or change the direction of writing, because a name appears
 * in mails and lists (IN-12).
 */
const ONE_LINE = "^[^\\p{Cc}\\p{Zl}\\p{Zp}\\u202a-\\u202e\\u2066-\\u2069]*$";

export const standardSchema = {
  type: "object",
  properties: {
    firstName: { type: "string", maxLength: 150, pattern: ONE_LINE },
    lastName: { type: "string", maxLength: 150, pattern: ONE_LINE },
    displayName: { type: "string", maxLength: 100, pattern: ONE_LINE },
    locale: { type: "string", maxLength: 35, pattern: "^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*$" },
    timezone: { type: "string", maxLength: 64, pattern: "^[A-Za-z][A-Za-z0-9_+/-]*$" },
    // An import keeps names here that it could not use as an address or a username.
    importedEmail: { type: "string", maxLength: 254 },
    importedUsername: { type: "string", maxLength: 254 },
  },
  additionalProperties: false,
};

/**
 * @param schema the operator's JSON Schema (dialect 2020-12) of a profile
 *
 * @throws {RangeError} if the schema cannot be used; the message says why
 */
export function createProfileRules(schema?: unknown): ProfileRules {
  const own = schema === undefined ? undefined : compile(schema);
  return {
    check: (profile) => {
      const unstorable = findUnstorable(profile);
      if (unstorable !== undefined) return [unstorable];
      if (Buffer.byteLength(JSON.stringify(profile)) > LARGEST_BYTES)
        return [{ path: "", message: `must not exceed ${LARGEST_BYTES} bytes` }];
      const validate = own ?? (standard ??= compile(standardSchema, { trusted: true }));
      return validate(profile) ? [] : (validate.errors ?? []).map(problem);
    },
    merge: mergePatch,
  };
}

/**
 * The standard schema, which is compiled when the first profile is checked, because most processes
 * never check one.
 */
let standard: ValidateFunction | undefined;

/**
 * @param options.trusted whether the schema is known to be a JSON Schema, so that the schema of
 *   schemas need not be compiled first, which takes far longer than the schema itself
 */
function compile(schema: unknown, { trusted = false } = {}): ValidateFunction {
  // The library has eighty modules that most processes do not need, so it is loaded with the first
  // schema.
  const { Ajv2020 }: typeof Ajv = require("ajv/dist/2020.js");
  if (!isObject(schema))
    throw new RangeError(
      'The profile schema is not a JSON object: write a JSON Schema such as {"type":"object"}.',
    );
  if ("$async" in schema)
    throw new RangeError("The profile schema is asynchronous: leave out $async.");
  try {
    // Misspelt keywords are refused. Unusual combinations are left to the operator. Nothing is
    // coerced (IN-03).
    const ajv = new Ajv2020({
      strict: true,
      strictTypes: false,
      strictTuples: false,
      strictRequired: false,
      formats: fullFormats,
      validateSchema: !trusted,
    });
    return ajv.compile(schema);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "unknown";
    throw new RangeError(
      `The profile schema cannot be used (JSON Schema 2020-12 is expected): ${why}`,
      { cause },
    );
  }
}

function problem({
  instancePath,
  message = "is not acceptable",
  params,
}: ErrorObject): ProfileProblem {
  const extra: unknown = params["additionalProperty"] ?? params["unevaluatedProperty"];
  if (typeof extra === "string")
    return { path: `${instancePath}/${pointer(extra)}`, message: "is not a member of the profile" };
  return { path: instancePath, message };
}

/**
 * Finds a value that one of the two databases or JSON itself would refuse or change: NUL, lone
 * surrogates, numbers beyond a double, prototype members.
 */
function findUnstorable(value: Json, path = "", depth = 0): ProfileProblem | undefined {
  if (typeof value === "string")
    return isStorable(value)
      ? undefined
      : { path, message: "must be well-formed text without NUL" };
  if (typeof value === "number")
    return Number.isFinite(value) ? undefined : { path, message: "must be a finite number" };
  if (typeof value !== "object" || value === null) return undefined;
  if (depth === DEEPEST) return { path, message: `must not be nested deeper than ${DEEPEST}` };
  for (const [member, inner] of Object.entries(value)) {
    const place = `${path}/${pointer(member)}`;
    if (!isStorable(member) || isPrototypeMember(member))
      return { path, message: "has a member whose name is not acceptable" };
    const found = findUnstorable(inner, place, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

function isPrototypeMember(member: string): boolean {
  return member === "__proto__" || member === "constructor" || member === "prototype";
}

/**
 * Merges with `Object.fromEntries`, which defines members and does not assign them, so that no name
 * reaches a prototype (IN-02).
 */
function mergePatch(stored: Profile, patch: Profile): Profile {
  const members = new Map(Object.entries(stored));
  for (const [member, change] of Object.entries(patch)) {
    if (change === null) members.delete(member);
    else
      members.set(
        member,
        isObject(change) ? mergePatch(objectOr(members.get(member)), change) : change,
      );
  }
  return Object.fromEntries(members);
}

function objectOr(value: Json | undefined): Profile {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Profile {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function pointer(member: string): string {
  return member.replaceAll("~", "~0").replaceAll("/", "~1");
}
