/**
 * Chooses how much of a storm, a flood or a corpus of hostile input a test uses. `npm test` takes
 * the small size; `npm run test:all` takes the full one, by setting `TEST_SIZE=full`. A small size
 * still proves the rule: it may repeat less often, but leaves no kind of input out.
 */
export function size<Value>({
  small,
  full,
}: {
  readonly small: Value;
  readonly full: Value;
}): Value {
  return isFullSize() ? full : small;
}

/** @throws {RangeError} if `TEST_SIZE` names no size */
function isFullSize(): boolean {
  const asked = process.env["TEST_SIZE"] ?? "small";
  if (asked !== "small" && asked !== "full")
    throw new RangeError(`TEST_SIZE is ${asked}: set it to small or full.`);
  return asked === "full";
}
