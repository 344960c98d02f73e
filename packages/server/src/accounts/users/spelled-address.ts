import { readAddress } from "./address.ts";

/** Longer than any that Django's validator lets through. */
const LONGEST = 320;

/**
 * An address as Django's managers store it, the domain in lower case and nothing else touched,
 * beside what addresses are compared by here. Domains that Django takes and we do not (`localhost`,
 * an IP address) name an account all the same; a local part that a mailer might read as another
 * recipient is nobody's.
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
