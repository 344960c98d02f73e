import { endCauses, type EndCause } from "@portcullis/contract";

const known: ReadonlySet<string> = new Set(endCauses);

export function isEndCause(text: string): text is EndCause {
  return known.has(text);
}
