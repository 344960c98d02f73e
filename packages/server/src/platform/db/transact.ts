import type { Db, Tx } from "./open.ts";

/**
 * A kind of work that must follow a commit, such as waking the sender of mail. A transaction leaves
 * facts for it; the work runs once after the commit, with every fact that was left. The type
 * parameter is the type of a fact.
 */
export interface FollowUp<Fact> {
  readonly name: string;
  /** Never set: it only ties the type of the facts to the follow-up. */
  readonly fact?: Fact;
}

type Work = (facts: readonly unknown[]) => Promise<void> | void;

/** The work that process/ has registered for each database. */
const works = new WeakMap<Db, Map<FollowUp<unknown>, Work>>();

interface Left {
  readonly db: Db;
  readonly facts: Map<FollowUp<unknown>, unknown[]>;
}

/** The facts that each open transaction has left for the time after its commit. */
const open = new WeakMap<Tx, Left>();

/**
 * Returns a handle to the same database that has follow-ups of its own, so that two servers in one
 * process, as in tests, do not run each other's.
 */
export function separateHandle(db: Db): Db {
  return db.withoutPlugins();
}

/**
 * Says what follows the commits of a database. Called once for each kind of work, when the process
 * is composed.
 */
export function onCommit<Fact>(
  db: Db,
  followUp: FollowUp<Fact>,
  work: (facts: readonly Fact[]) => Promise<void> | void,
): void {
  const registered = works.get(db) ?? new Map<FollowUp<unknown>, Work>();
  registered.set(followUp, (facts) => work(facts as readonly Fact[]));
  works.set(db, registered);
}

/**
 * Leaves a fact for the work that follows the commit of this transaction. If the transaction rolls
 * back, the fact is forgotten.
 *
 * @throws {Error} if the transaction was not opened by `transact`, or if the process has registered
 *   no such work: otherwise the work would be forgotten without a word
 */
export function afterCommit<Fact>(tx: Tx, followUp: FollowUp<Fact>, fact: Fact): void {
  const left = open.get(tx);
  if (left === undefined)
    throw new Error(`${followUp.name} must follow the commit: open the transaction by transact()`);
  if (works.get(left.db)?.has(followUp) !== true)
    throw new Error(`nothing is registered for ${followUp.name}: call onCommit() at start`);
  const facts = left.facts.get(followUp);
  if (facts === undefined) left.facts.set(followUp, [fact]);
  else facts.push(fact);
}

/**
 * Runs `act` in one transaction, commits, and returns once all work that follows the commit is
 * done. If `act` throws, everything is rolled back and no work follows; a refusal that must commit
 * what it wrote is returned, not thrown.
 */
export async function transact<Result>(
  { db }: { readonly db: Db },
  act: (tx: Tx) => Promise<Result>,
): Promise<Result> {
  const left: Left = { db, facts: new Map() };
  const result = await db.transaction().execute(async (tx) => {
    open.set(tx, left);
    try {
      return await act(tx);
    } finally {
      open.delete(tx);
    }
  });
  if (left.facts.size > 0) await follow(left);
  return result;
}

async function follow({ db, facts }: Left): Promise<void> {
  const registered = works.get(db);
  await Promise.all([...facts].map(async ([followUp, some]) => registered?.get(followUp)?.(some)));
}
