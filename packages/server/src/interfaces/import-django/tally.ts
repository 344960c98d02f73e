import { severityOf, type Finding, type FindingKind, type Severity } from "./findings.ts";
import type { Placed } from "./place.ts";
import { schemeOf, type Key } from "./read-user.ts";

const EXAMPLES = 5;

export interface Told {
  readonly count: number;
  /** Keys of the first few rows. */
  readonly examples: readonly string[];
}

/** Counts of what was seen so far. */
export interface Tally {
  readonly counts: Readonly<Record<Counted, number>>;
  /** New users by the algorithm of their password hash. */
  readonly schemes: ReadonlyMap<string, number>;
  /** New users by the kind of their key. */
  readonly keys: ReadonlyMap<Key["kind"], number>;
  readonly findings: ReadonlyMap<FindingKind, Told>;
  /** Number of rows with a finding of this severity. */
  readonly rowsWith: ReadonlyMap<Severity, number>;
  add(placed: Placed): void;
  note(finding: Finding): void;
}

type Counted =
  | "rows"
  | "imported"
  | "here"
  | "leftOut"
  | "superusers"
  | "staff"
  | "inactive"
  | "withoutPassword"
  | "authenticators"
  | "recoveryCodes";

export function createTally(): Tally {
  const counts: Record<Counted, number> = {
    rows: 0,
    imported: 0,
    here: 0,
    leftOut: 0,
    superusers: 0,
    staff: 0,
    inactive: 0,
    withoutPassword: 0,
    authenticators: 0,
    recoveryCodes: 0,
  };
  const schemes = new Map<string, number>();
  const keys = new Map<Key["kind"], number>();
  const findings = new Map<FindingKind, Told>();
  const rowsWith = new Map<Severity, number>();

  const note = ({ kind, key }: Finding): void => {
    const { count, examples } = findings.get(kind) ?? { count: 0, examples: [] };
    findings.set(kind, {
      count: count + 1,
      examples: examples.length < EXAMPLES ? [...examples, key] : examples,
    });
  };
  const noteAll = (found: readonly Finding[]): void => {
    if (found.length === 0) return;
    found.forEach(note);
    for (const severity of new Set(found.map(({ kind }) => severityOf(kind))))
      countUp(rowsWith, severity);
  };
  const addNew = ({ read, user }: Extract<Placed, { kind: "new" }>): void => {
    counts.imported += 1;
    countUp(keys, read.key.kind);
    if (user.superuserSince !== null) counts.superusers += 1;
    if (user.disabledAt !== null) counts.inactive += 1;
    if (read.staff) counts.staff += 1;
    counts.authenticators += user.factors?.devices.length ?? 0;
    counts.recoveryCodes += user.factors?.codes.length ?? 0;
    if (user.hash === undefined) counts.withoutPassword += 1;
    else countUp(schemes, schemeOf(user.hash));
  };
  const add = (placed: Placed): void => {
    counts.rows += 1;
    noteAll(placed.findings);
    if (placed.kind === "here") counts.here += 1;
    if (placed.kind === "left_out") counts.leftOut += 1;
    if (placed.kind === "new") addNew(placed);
  };
  return { counts, schemes, keys, findings, rowsWith, add, note };
}

function countUp<Name>(counts: Map<Name, number>, name: Name): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
