import assert from "node:assert/strict";
import type { Json } from "../../../platform/http/serve.ts";
import type { FieldErrors } from "./answers.ts";
import type { Data } from "./parse.ts";
import { Numeral, strip } from "./python.ts";
import {
  atLeast,
  atMost,
  hasNoNull,
  isEmail,
  isUsername,
  isWellFormed,
  type Validator,
} from "./validators.ts";

/** The description of a field in the answer to OPTIONS. */
export interface Facts {
  readonly type: "string" | "email" | "integer" | "boolean";
  readonly required: boolean;
  readonly read_only: boolean;
  /** The default is made from the field's name. */
  readonly label?: string;
  readonly help_text?: string;
  readonly min_length?: number;
  readonly max_length?: number;
}

export interface Field<Value> {
  readonly facts: Facts;
  /** Reads the value. A missing member is `undefined`, which no body can hold. */
  readonly read: (raw: unknown, isForm: boolean) => Promise<Read<Value>>;
}

export type Read<Value> =
  | { readonly kind: "valid"; readonly value: Value }
  | { readonly kind: "invalid"; readonly words: readonly string[] };

export interface TextOptions {
  readonly label?: string;
  readonly helpText?: string;
  readonly allowBlank?: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
  /**
   * Validators of a model's field, which run before DRF's own. All of them run, and all complaints
   * are shown.
   */
  readonly validators?: readonly Validator[];
  /**
   * Runs only if nothing else is wrong with the value, like `validate_<field>`. It is the place for
   * checks that cost a hash or a query.
   */
  readonly check?: Validator;
}

const REQUIRED = invalid("This field is required.");
const NULL = invalid("This field may not be null.");
const BLANK = invalid("This field may not be blank.");

/**
 * A `CharField`, also used for passwords. It strips space around the value and accepts numbers as
 * text.
 */
export function text(options: TextOptions = {}): Field<string> {
  return charField("string", "Not a valid string.", options, []);
}

/** An `EmailField`. It uses the same words for a wrong type as for a wrong value. */
export function email(options: TextOptions = {}): Field<string> {
  const words = "Enter a valid email address.";
  return charField("email", words, options, [(value) => (isEmail(value) ? [] : [words])]);
}

/** The username field of Django's user model. */
export function username(options: TextOptions = {}): Field<string> {
  return text({
    maxLength: 150,
    helpText: "Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
    ...options,
    validators: [isUsername, ...(options.validators ?? [])],
  });
}

/**
 * Makes a field optional. In a form, an empty field counts as missing unless blank is a valid
 * value.
 */
export function optional<Value>(field: Field<Value>): Field<Value | undefined> {
  return {
    facts: { ...field.facts, required: false },
    read: async (raw, isForm) => {
      if (raw === undefined) return { kind: "valid", value: undefined };
      const read = await field.read(raw, isForm);
      return isForm && raw === "" && read.kind === "invalid"
        ? { kind: "valid", value: undefined }
        : read;
    },
  };
}

/** A field that answers show and requests cannot set. It appears in the answer to OPTIONS. */
export function readOnly(type: Facts["type"], label?: string): Field<undefined> {
  return {
    facts: { type, required: false, read_only: true, ...(label !== undefined && { label }) },
    read: async () => ({ kind: "valid", value: undefined }),
  };
}

type Fields = Readonly<Record<string, Field<unknown>>>;
export type InputOf<F extends Fields> = {
  readonly [Name in keyof F]: F[Name] extends Field<infer Value> ? Value : never;
};

/** Turns a body into the input of a view. */
export interface Body<Input> {
  /** The description of each field for OPTIONS. Absent if no fields are declared. */
  readonly facts?: Readonly<Record<string, Json>>;
  readonly read: (data: Data) => Promise<InputOutcome<Input>>;
}

export type InputOutcome<Input> =
  | { readonly kind: "valid"; readonly input: Input }
  | { readonly kind: "invalid"; readonly errors: FieldErrors };

/**
 * Reads all fields in the order in which they are declared and reports every complaint. Other
 * members are ignored.
 */
export function serializer<const F extends Fields>(fields: F): Body<InputOf<F>> {
  const declared = Object.entries(fields);
  return {
    facts: Object.fromEntries(declared.map(([name, { facts }]) => [name, labelled(name, facts)])),
    read: async (data) => {
      const outcome = await readFields(declared, data);
      if (outcome.kind === "invalid") return outcome;
      assert(holdsAll(outcome.input, fields), "every field gave its value");
      return { kind: "valid", input: outcome.input };
    },
  };
}

/** Reads the same fields if any of them may be missing, as in PATCH. */
export function partial<const F extends Fields>(fields: F): Body<Partial<InputOf<F>>> {
  const declared = Object.entries(fields);
  return {
    read: async (data) => {
      const given = declared.filter(([name]) => data.kind === "members" && data.members.has(name));
      const outcome = await readFields(given, data);
      if (outcome.kind === "invalid") return outcome;
      assert(holdsOnly(outcome.input, fields), "no other field gave a value");
      return { kind: "valid", input: outcome.input };
    },
  };
}

/**
 * Reads a body without a serializer. A body that is not an object has no members. Check values with
 * `isTruthy` or `typeof`.
 */
export const members: Body<ReadonlyMap<string, unknown>> = {
  read: async (data) => ({
    kind: "valid",
    input: data.kind === "members" ? data.members : new Map(),
  }),
};

type Values = Readonly<Record<string, unknown>>;

async function readFields(
  fields: readonly (readonly [string, Field<unknown>])[],
  data: Data,
): Promise<InputOutcome<Values>> {
  if (data.kind === "other")
    return { kind: "invalid", errors: { non_field_errors: [notADictionary(data.typeName)] } };
  const values: [string, unknown][] = [];
  const errors: [string, readonly string[]][] = [];
  for (const [name, field] of fields) {
    const read = await field.read(data.members.get(name), data.isForm);
    if (read.kind === "valid") values.push([name, read.value]);
    else errors.push([name, read.words]);
  }
  return errors.length > 0
    ? { kind: "invalid", errors: Object.fromEntries(errors) }
    : { kind: "valid", input: Object.fromEntries(values) };
}

function holdsAll<F extends Fields>(input: Values, fields: F): input is InputOf<F> {
  return Object.keys(fields).every((name) => Object.hasOwn(input, name));
}

function holdsOnly<F extends Fields>(input: Values, fields: F): input is Partial<InputOf<F>> {
  return Object.keys(input).every((name) => Object.hasOwn(fields, name));
}

function charField(
  type: Facts["type"],
  notText: string,
  options: TextOptions,
  last: readonly Validator[],
): Field<string> {
  const { label, helpText, minLength, maxLength, check } = options;
  const validators: readonly Validator[] = [
    ...(options.validators ?? []),
    ...(maxLength === undefined ? [] : [atMost(maxLength)]),
    ...(minLength === undefined ? [] : [atLeast(minLength)]),
    hasNoNull,
    isWellFormed,
    ...last,
  ];
  return {
    facts: {
      type,
      required: true,
      read_only: false,
      ...(label !== undefined && { label }),
      ...(helpText !== undefined && { help_text: helpText }),
      ...(minLength !== undefined && { min_length: minLength }),
      ...(maxLength !== undefined && { max_length: maxLength }),
    },
    read: async (raw) => {
      if (raw === undefined) return REQUIRED;
      if (raw === null) return NULL;
      const given = raw instanceof Numeral ? raw.text : raw;
      if (typeof given !== "string") return invalid(notText);
      const value = strip(given);
      if (value === "") return options.allowBlank === true ? { kind: "valid", value } : BLANK;
      const words = [];
      for (const validator of validators) words.push(...(await validator(value)));
      if (words.length === 0 && check !== undefined) words.push(...(await check(value)));
      return words.length === 0 ? { kind: "valid", value } : { kind: "invalid", words };
    },
  };
}

function invalid(words: string): { readonly kind: "invalid"; readonly words: readonly string[] } {
  return { kind: "invalid", words: [words] };
}

function notADictionary(typeName: string): string {
  return typeName === "NoneType"
    ? "No data provided"
    : `Invalid data. Expected a dictionary, but got ${typeName}.`;
}

function labelled(name: string, { type, required, read_only, ...others }: Facts): Json {
  const words = name.replaceAll("_", " ");
  return {
    type,
    required,
    read_only,
    label: words.charAt(0).toUpperCase() + words.slice(1).toLowerCase(),
    ...others,
  };
}
