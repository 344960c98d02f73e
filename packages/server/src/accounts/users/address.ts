import { domainToASCII, domainToUnicode } from "node:url";

export type AddressOutcome =
  | {
      readonly kind: "address";
      /** The address for mail: the local part as it was written, the domain as A-labels. */
      readonly address: string;
      /** The form in which addresses are compared: all of it in lower case. */
      readonly canonical: string;
    }
  | { readonly kind: "refused" };

const refused: AddressOutcome = { kind: "refused" };
const LONGEST = 254;
const LONGEST_LOCAL_PART = 64;

/** A dot-atom (RFC 5322 §3.2.3): no quoted strings, no comments. */
const DOT_ATOM = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/u;
/**
 * An encoded-word (RFC 2047 §2) is made of atom characters, yet some mailers decode it into another
 * recipient (CVE-2025-14874).
 */
const ENCODED_WORD = /=\?[^?]+\?[bq]\?/iu;
/**
 * Only this is given to IDNA, which would read percent signs, brackets, soft hyphens and foreign
 * full stops as something else.
 */
const DOMAIN = /^[\p{L}\p{M}\p{Nd}.-]+$/u;
const IGNORABLE = /\p{Default_Ignorable_Code_Point}/u;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/u;
const RESERVED_HYPHENS = /^(?!xn--)..--/u;
const TOP_LABEL = /^(?:[a-z]{2,63}|xn--[a-z0-9-]+)$/u;

/**
 * Reads exactly one plain address (RG-08, RG-09). Nothing is trimmed or repaired, and text that
 * NFKC would change is refused, so that two spellings never become one address.
 * - The local part is ASCII. UTF-8 local parts (RFC 6531) need a mail path that supports them from
 *   end to end and have no agreed case folding, which is how reset mails have gone to look-alikes
 *   (CVE-2019-19844).
 * - The local part is compared in lower case, as practically every mailbox host does. Nothing else
 *   is folded, neither dots nor `+tag`.
 * - The domain has at least two labels and no address literal, because mail to `localhost` or to an
 *   IP address would reach machines and not people.
 */
export function readAddress(raw: string): AddressOutcome {
  if (raw.length > LONGEST || !raw.isWellFormed() || raw.normalize("NFKC") !== raw) return refused;
  const at = raw.indexOf("@");
  const local = raw.slice(0, Math.max(at, 0));
  if (local.length > LONGEST_LOCAL_PART || !DOT_ATOM.test(local) || ENCODED_WORD.test(local))
    return refused;
  const domain = readDomain(raw.slice(at + 1));
  if (domain === undefined) return refused;
  const address = `${local}@${domain}`;
  return address.length > LONGEST
    ? refused
    : { kind: "address", address, canonical: address.toLowerCase() };
}

function readDomain(raw: string): string | undefined {
  if (!DOMAIN.test(raw) || IGNORABLE.test(raw)) return undefined;
  const domain = domainToASCII(raw);
  // Node does not decode a domain that is already written as A-labels. Only decoding and encoding
  // it again tells whether it is valid.
  if (
    domainToASCII(domainToUnicode(domain)) !== domain ||
    /(?:^|\.)xn--/u.test(domainToUnicode(domain))
  )
    return undefined;
  const labels = domain.split(".");
  if (
    labels.length < 2 ||
    !labels.every((label) => LABEL.test(label) && !RESERVED_HYPHENS.test(label))
  )
    return undefined;
  return TOP_LABEL.test(labels.at(-1) ?? "") ? domain : undefined;
}
