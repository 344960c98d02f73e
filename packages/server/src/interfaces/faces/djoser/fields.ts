import { readAddress, type AddressOutcome } from "../../../accounts/users/address.ts";
import { email, text, username, type Field } from "../drf/fields.ts";

/**
 * The e-mail field of a model. Our own rules also decide whether mail can be sent to the address
 * (RG-09).
 */
export const emailField = (options: { readonly allowBlank?: boolean } = {}): Field<string> =>
  email({
    label: "Email address",
    maxLength: 254,
    ...options,
    check: (value) =>
      readAddress(value).kind === "refused" ? ["Enter a valid email address."] : [],
  });

/** The field that users log in by. */
export const nameField = (loginField: "email" | "username"): Field<string> =>
  loginField === "email" ? emailField() : username();

/** A password, or the second entry of a value. */
export const plainField = (): Field<string> => text();

/** Returns the fields only if the settings ask for them. */
export function when<Asked>(
  isAsked: boolean,
  fields: Readonly<Record<string, Field<Asked>>>,
): Readonly<Record<string, Field<Asked>>> {
  return isAsked ? fields : {};
}

type Address = Extract<AddressOutcome, { readonly kind: "address" }>;

/**
 * Reads an address.
 *
 * @throws {RangeError} if an `emailField` would have refused it
 */
export function addressOf(value: string): Address {
  const address = readAddress(value);
  if (address.kind === "refused") throw new RangeError("an address that was not looked at");
  return address;
}
