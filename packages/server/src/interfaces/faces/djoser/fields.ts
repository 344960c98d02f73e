import { readAddress, type AddressOutcome } from "../../../accounts/users/address.ts";
import { email, text, username, type Field } from "../drf/fields.ts";

/**
 * Of a model's field: whether an address is one that mail can go to is asked of the rules' own
 * reading (RG-09).
 */
export const emailField = (options: { readonly allowBlank?: boolean } = {}): Field<string> =>
  email({
    label: "Email address",
    maxLength: 254,
    ...options,
    check: (value) =>
      readAddress(value).kind === "refused" ? ["Enter a valid email address."] : [],
  });

/** Whatever users log in by. */
export const nameField = (loginField: "email" | "username"): Field<string> =>
  loginField === "email" ? emailField() : username();

/** A password, or a field that wants something once more. */
export const plainField = (): Field<string> => text();

/** A field that only some settings have. */
export function when<Asked>(
  isAsked: boolean,
  fields: Readonly<Record<string, Field<Asked>>>,
): Readonly<Record<string, Field<Asked>>> {
  return isAsked ? fields : {};
}

type Address = Extract<AddressOutcome, { readonly kind: "address" }>;

/** @throws {RangeError} for what no `emailField` has let pass */
export function addressOf(value: string): Address {
  const address = readAddress(value);
  if (address.kind === "refused") throw new RangeError("an address that was not looked at");
  return address;
}
