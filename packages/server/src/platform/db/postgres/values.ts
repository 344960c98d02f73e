import pg from "pg";

/** Types that hold whole numbers of ours: `bigint`, a transaction id, and a `sum` of integers. */
const WHOLE_NUMBERS: ReadonlySet<number> = new Set([20, 5069, 1700]);

/** Chooses how a value of a column becomes one of JavaScript. */
export function typeParser(
  ...[oid, format]: Parameters<typeof pg.types.getTypeParser>
): ReturnType<typeof pg.types.getTypeParser> {
  return WHOLE_NUMBERS.has(oid) ? wholeNumber : pg.types.getTypeParser(oid, format);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError("a number from the database does not fit");
  return value;
}
