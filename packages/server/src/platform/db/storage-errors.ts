import { textIn } from "./error-fields.ts";
import * as postgres from "./postgres/errors.ts";
import * as sqlite from "./sqlite/errors.ts";

/**
 * True if the storage cannot do its work for the moment (503, try again), and false if it was asked
 * something wrong. Either way a commit that was under way may have taken effect.
 */
export function isUnavailable(error: unknown): boolean {
  return causes(error).some((one) => sqlite.isUnavailable(one) || postgres.isUnavailable(one));
}

/**
 * True if a unique index has refused a row.
 *
 * @param column counts only an index over this column. Our indices are named after theirs.
 */
export function isUniqueViolation(error: unknown, column = ""): boolean {
  return causes(error).some(
    (one) =>
      (sqlite.isNotUnique(one) || postgres.isNotUnique(one)) &&
      textIn(one, "message").includes(column),
  );
}

function causes(error: unknown): readonly object[] {
  const found: object[] = [];
  for (
    let e = error;
    typeof e === "object" && e !== null && found.length < 8;
    e = "cause" in e ? e.cause : undefined
  )
    found.push(e);
  return found;
}
