import { amrValues, type AccessClaims, type Amr } from "@portcullis/contract";

export type AmrList = AccessClaims["amr"];

const known: ReadonlySet<unknown> = new Set(amrValues);

/** Reads the stored list of authentication methods (RFC 8176). */
export function readAmr(text: string): AmrList {
  const parsed: unknown = JSON.parse(text);
  return Array.isArray(parsed) ? parsed.filter((value): value is Amr => known.has(value)) : [];
}
