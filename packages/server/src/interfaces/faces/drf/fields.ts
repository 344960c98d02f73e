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

/** What OPTIONS tells of a field. */
export interface Facts {
  readonly type: "string" | "email" | "integer" | "boolean";
  readonly required: boolean;
  readonly read_only: boolean;
  /** Made from the field's name where it is not given. */
  readonly label?: string;
  readonly help_text?: string;
  readonly min_length?: number;
  readonly max_length?: number;
}

export interface Field<Value> {
  readonly facts: Facts;
  /** A member that is not there is `undefined`, which no body can hold. */
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
   * As they stand before DRF's own in a model's field: all are asked, and all complaints are shown.
   */
  readonly validators?: readonly Validator[];
  /**
   * Asked when nothing else is wrong with the value, as `validate_<field>` is: the place for what
   * costs a hash or a query.
   */
  readonly check?: Validator;
}

const REQUIRED = invalid("This field is required.");
const NULL = invalid("This field may not be null.");
const BLANK = invalid("This field may not be blank.");

/** `CharField`, for passwords too: space around the value is dropped, numbers are taken as text. */
export function text(options: TextOptions = {}): Field<string> {
  return charField("string", "Not a valid string.", options, []);
}

/** `EmailField`: whatever is wrong with its type is said in the same words. */
export function email(options: TextOptions = {}): Field<string> {
  const words = "Enter a valid email address.";
  return charField("email", words, options, [(value) => (isEmail(value) ? [] : [words])]);
}

/** The user name of Django's user model. */
export function username(options: TextOptions = {}): Field<string> {
  return text({
    maxLength: 150,
    helpText: "Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
    ...options,
    validators: [isUsername, ...(options.validators ?? [])],
  });
}

/**
 * A field that may be left out; in a form, an empty one is left out unless blank is a value of it.
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

/** A field that answers show and requests cannot set: for OPTIONS. */
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

/** How a body becomes what a view is handed. */
export interface Body<Input> {
  /** By field, for OPTIONS; absent where nothing is declared. */
  readonly facts?: Readonly<Record<string, Json>>;
  readonly read: (data: Data) => Promise<InputOutcome<Input>>;
}

export type InputOutcome<Input> =
  | { readonly kind: "valid"; readonly input: Input }
  | { readonly kind: "invalid"; readonly errors: FieldErrors };

/**
 * Every field is asked, in the order in which they are declared, and every complaint is shown.
 * Other members are passed over.
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

/** The same fields, any of which may be missing: what PATCH takes. */
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
 * A body that a view reads without a serializer; what is no object has no members. Judge values
 * with `isTruthy` or `typeof`.
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
