declare const held: unique symbol;

/**
 * A row that the running transaction has locked, so that what is decided about it stays true until
 * the transaction ends. Only stores make one, by a statement that locks. What changes such a row
 * asks for it, so that no rule can change a row that it does not hold.
 */
export type Held<Row> = Row & { readonly [held]: true };

/** Says of a row that it has just been read `for update`, or written. For stores only. */
export function asHeld<Row extends object>(row: Row): Held<Row> {
  return row as Held<Row>;
}
