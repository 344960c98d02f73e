import { readAddress } from "./address.ts";

/** No address that Django's validator accepts is longer. */
const LONGEST = 320;

/**
 * Reads an address as Django's managers store it, with only the domain changed to lower case, and
 * the form in which addresses are compared here. Domains that Django accepts and this server
 * otherwise does not (`localhost`, an IP address) can name an account. Returns `undefined` for a
 * local part that a mailer might read as another recipient.
 */
export function readDjangoAddress(
  raw: string,
): { readonly address: string; readonly canonical: string } | undefined {
  const at = raw.lastIndexOf("@");
  if (
    raw.length > LONGEST ||
    readAddress(`${raw.slice(0, Math.max(at, 0))}@example.com`).kind === "refused"
  )
    return undefined;
  const address = raw.slice(0, at) + raw.slice(at).toLowerCase();
  const read = readAddress(address);
  return { address, canonical: read.kind === "address" ? read.canonical : address.toLowerCase() };
}
