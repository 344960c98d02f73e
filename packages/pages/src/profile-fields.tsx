import { Checkbox, NativeSelect } from "@mantine/core";
import type { ReactNode } from "react";
import { Field, type Form } from "./parts.tsx";
import { settings, type ProfileField } from "./settings.ts";

type Values = Readonly<Record<string, unknown>>;

/** The form has nothing to do with the names of the account's own fields. */
const inputName = (name: string): string => `profile.${name}`;

const isType = ({ type }: ProfileField, wanted: string): boolean =>
  type === wanted || (Array.isArray(type) && type.includes(wanted));

/** Lists and objects are for the operator's own pages; a form has no field for them. */
const isSimple = (field: ProfileField): boolean =>
  field.readOnly !== true &&
  (field.enum !== undefined ||
    ["string", "boolean", "integer", "number"].some((type) => isType(field, type)));

function fieldsOf(onlyRequired: boolean): readonly (readonly [string, ProfileField])[] {
  return Object.entries(settings.profileFields ?? {}).filter(
    ([name, field]) => isSimple(field) && (!onlyRequired || settings.requiredFields.includes(name)),
  );
}

export const profileNames = (onlyRequired: boolean): readonly string[] =>
  fieldsOf(onlyRequired).map(([name]) => inputName(name));

/** Turns the values of a form into a profile. An empty field removes its member. */
export function profileFrom(
  values: Readonly<Record<string, string>>,
  isNew: boolean,
): Record<string, never> {
  const entries = fieldsOf(isNew).flatMap(([name, field]): (readonly [string, unknown])[] => {
    const text = values[inputName(name)] ?? "";
    if (isType(field, "boolean")) return [[name, text === "on"]];
    if (text.trim() === "") return isNew ? [] : [[name, null]];
    if (field.enum !== undefined) return [[name, field.enum.find((one) => String(one) === text)]];
    return [[name, isType(field, "string") ? text.trim() : Number(text)]];
  });
  // oxlint-disable-next-line typescript/consistent-type-assertions -- every member is a JSON value
  return Object.fromEntries(entries) as Record<string, never>;
}

const spelled = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";

const autoComplete: Readonly<Record<string, string>> = {
  name: "name",
  displayName: "name",
  firstName: "given-name",
  givenName: "given-name",
  lastName: "family-name",
  familyName: "family-name",
  phone: "tel",
  organization: "organization",
  company: "organization",
  country: "country-name",
  city: "address-level2",
  postalCode: "postal-code",
  birthday: "bday",
};

/** The fields of the operator's JSON Schema for profiles. */
export function ProfileFields({
  form,
  values = {},
  onlyRequired = false,
}: {
  readonly form: Form;
  readonly values?: Values;
  readonly onlyRequired?: boolean;
}): ReactNode {
  return fieldsOf(onlyRequired).map(([name, field]) => {
    const label = field.title ?? name;
    const value = values[name];
    const shared = {
      name: inputName(name),
      id: inputName(name),
      label,
      description: field.description,
      error: form.errors[inputName(name)] ?? form.errors[name],
    };
    if (isType(field, "boolean"))
      return <Checkbox key={name} {...shared} defaultChecked={value === true} />;
    const required = settings.requiredFields.includes(name);
    if (field.enum !== undefined)
      return (
        <NativeSelect
          key={name}
          {...shared}
          required={required}
          defaultValue={spelled(value)}
          data={["", ...field.enum.map(String)]}
        />
      );
    return (
      <Field
        key={name}
        form={form}
        {...shared}
        required={required}
        type={isType(field, "string") ? "text" : "number"}
        autoComplete={autoComplete[name] ?? "off"}
        maxLength={field.maxLength ?? 500}
        defaultValue={spelled(value)}
      />
    );
  });
}
