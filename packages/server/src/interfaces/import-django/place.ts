import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import { readAddress } from "../../accounts/users/address.ts";
import type { Profile } from "../../accounts/users/profile.ts";
import type { ReadUsername } from "../../accounts/users/username.ts";
import type { FoundFactors } from "./factors.ts";
import type { Finding, FindingKind } from "./findings.ts";
import { isStorable, type ReadUser } from "./read-user.ts";

/** A user with the names that they would have here if those are free. */
export interface Candidate {
  readonly read: ReadUser;
  readonly id: string;
  readonly address: { readonly address: string; readonly canonical: string } | undefined;
  readonly username: { readonly username: string; readonly canonical: string } | undefined;
}

/** Names and ids of a page that are taken already. */
export interface Taken {
  /** Users who are here, with the time at which they joined. */
  readonly ids: ReadonlyMap<string, UnixSeconds>;
  /** Ids of users who were deleted here. */
  readonly deleted: ReadonlySet<string>;
  readonly numbers: ReadonlySet<number>;
  readonly addresses: ReadonlySet<string>;
  readonly usernames: ReadonlySet<string>;
}

/** Names that earlier rows of the same run have taken. */
export interface Seen {
  readonly ids: Texts;
  readonly addresses: Texts;
  readonly usernames: Texts;
}

export interface Texts {
  /** Returns false if an earlier row has taken it. */
  claim(text: string): boolean;
}

export interface NewUser {
  readonly id: string;
  readonly number: number | undefined;
  readonly email: string | null;
  readonly emailCanonical: string | null;
  readonly sharedEmailCanonical: string | null;
  readonly emailVerifiedAt: UnixSeconds | null;
  readonly username: string | null;
  readonly usernameCanonical: string | null;
  readonly hash: string | undefined;
  readonly superuserSince: UnixSeconds | null;
  readonly disabledAt: UnixSeconds | null;
  readonly profile: string;
  readonly createdAt: UnixSeconds;
  readonly lastLoginAt: UnixSeconds | null;
  readonly factors: FoundFactors | undefined;
}

export type Placed =
  | {
      readonly kind: "new";
      readonly user: NewUser;
      readonly read: ReadUser;
      readonly findings: readonly Finding[];
    }
  /**
   * No findings are reported about users who are here, because an earlier run has reported them.
   */
  | { readonly kind: "here" | "left_out"; readonly findings: readonly Finding[] };

export interface PlaceDeps {
  readonly readUsername: ReadUsername;
  readonly now: UnixSeconds;
  /** Whether addresses count as confirmed. */
  readonly verified: boolean;
  /** The field with which users of a face log in. */
  readonly loginField: "email" | "username";
  /** The second factors, by the key of their user. */
  readonly factors: ReadonlyMap<string, FoundFactors>;
}

export function toCandidate(deps: PlaceDeps, read: ReadUser, id: string): Candidate {
  const address = read.email === undefined ? undefined : readAddress(read.email);
  const username = read.username === undefined ? undefined : deps.readUsername(read.username);
  return {
    read,
    id,
    address: address?.kind === "address" ? address : undefined,
    username: username?.kind === "username" ? username : undefined,
  };
}

/**
 * Decides what becomes of a row. An address or a username goes to the first row in the order of
 * keys, after the users who are here.
 */
export function place(deps: PlaceDeps, taken: Taken, seen: Seen, candidate: Candidate): Placed {
  const { read, id } = candidate;
  const finding = (kind: FindingKind, value?: string): Finding => ({
    kind,
    key: read.key.text,
    value,
  });
  const leftOut = (kind: FindingKind): Placed => ({ kind: "left_out", findings: [finding(kind)] });

  if (read.key.kind === "missing") return leftOut("key_missing");
  if (!seen.ids.claim(id)) return leftOut("key_repeated");
  const joinedAt = taken.ids.get(id);
  // Compares the two moments only if the source has them.
  if (joinedAt !== undefined && read.joinedAt !== undefined && read.joinedAt !== joinedAt)
    return leftOut("another_here");
  if (joinedAt !== undefined) return { kind: "here", findings: [] };
  if (taken.deleted.has(id)) return leftOut("deleted_here");

  const findings = [...read.findings];
  const add = (kind: FindingKind, value?: string): void => void findings.push(finding(kind, value));
  const profile: Profile = { ...read.profile };
  const number = placeNumber(taken, candidate, add);
  const email = placeAddress(taken, seen, candidate, { add, profile });
  const username = placeUsername(deps, taken, seen, candidate, { add, profile });
  if (
    username === undefined &&
    email?.shared !== false &&
    (read.email ?? read.username) !== undefined
  )
    add("no_identifier");
  const factors = deps.factors.get(read.key.text);
  if (factors !== undefined)
    findings.push(...factors.findings.map((found) => ({ ...found, key: read.key.text })));

  const createdAt = read.joinedAt ?? deps.now;
  const user: NewUser = {
    id,
    number,
    email: email?.address ?? null,
    emailCanonical: email?.shared === false ? email.canonical : null,
    sharedEmailCanonical: email?.shared === true ? email.canonical : null,
    emailVerifiedAt: email !== undefined && deps.verified ? createdAt : null,
    username: username?.username ?? null,
    usernameCanonical: username?.canonical ?? null,
    hash: read.hash,
    superuserSince: read.superuser ? createdAt : null,
    disabledAt: read.active ? null : deps.now,
    profile: fitted(profile, add),
    createdAt,
    lastLoginAt: read.lastLoginAt ?? null,
    factors,
  };
  return { kind: "new", user, read, findings };
}

type Add = (kind: FindingKind, value?: string) => void;
interface Kept {
  readonly add: Add;
  readonly profile: Profile;
}

function placeNumber(taken: Taken, { read: { key } }: Candidate, add: Add): number | undefined {
  const { number } = key;
  if (number === undefined) {
    if (key.kind === "number") add("number_unusable");
    return undefined;
  }
  if (!taken.numbers.has(number)) return number;
  add("number_taken");
  return undefined;
}

function placeAddress(
  taken: Taken,
  seen: Seen,
  { read, address }: Candidate,
  { add, profile }: Kept,
): { readonly address: string; readonly canonical: string; readonly shared: boolean } | undefined {
  if (read.email === undefined) return undefined;
  if (address === undefined) {
    add("address_refused", read.email);
    keepInProfile(profile, "importedEmail", read.email, add);
    return undefined;
  }
  const shared = !seen.addresses.claim(address.canonical) || taken.addresses.has(address.canonical);
  if (shared) add("address_shared", read.email);
  return { address: address.address, canonical: address.canonical, shared };
}

function placeUsername(
  deps: PlaceDeps,
  taken: Taken,
  seen: Seen,
  { read, address, username }: Candidate,
  { add, profile }: Kept,
): Candidate["username"] {
  if (read.username === undefined) return undefined;
  if (
    username !== undefined &&
    seen.usernames.claim(username.canonical) &&
    !taken.usernames.has(username.canonical)
  )
    return username;
  const asAddress = readAddress(read.username);
  const isOwnAddress =
    asAddress.kind === "address" &&
    asAddress.canonical === address?.canonical &&
    deps.loginField === "email";
  add(
    username !== undefined
      ? "username_taken"
      : isOwnAddress
        ? "username_is_address"
        : "username_refused",
    read.username,
  );
  keepInProfile(profile, "importedUsername", read.username, add);
  return undefined;
}

/** No address or username that a database would accept is longer. */
const LONGEST_KEPT = 512;

function keepInProfile(profile: Profile, member: string, text: string, add: Add): void {
  if (text.length <= LONGEST_KEPT && isStorable(text)) profile[member] = text;
  else add("value_left_out");
}

/** The largest size of a profile. Members that were added last are dropped first. */
const LARGEST_PROFILE_BYTES = 8192;

function fitted(profile: Profile, add: Add): string {
  const text = JSON.stringify(profile);
  if (Buffer.byteLength(text) <= LARGEST_PROFILE_BYTES) return text;
  const last = Object.keys(profile).findLast((member) => !member.startsWith("imported")) ?? "";
  add("value_left_out", last);
  return fitted(
    Object.fromEntries(Object.entries(profile).filter(([member]) => member !== last)),
    add,
  );
}
