/**
 * The findings about a row. A `loss` takes away something that worked in Django, and stops the
 * import unless losses are accepted. A `factor` does so unless users are to be imported without
 * their factors. A `note` is only reported.
 */
const kinds = {
  username_refused: {
    severity: "loss",
    words:
      "username not allowed here: imported without it; it is kept as importedUsername in the profile",
  },
  username_taken: {
    severity: "loss",
    words:
      "username that another user has here: imported without it; it is kept as importedUsername in the profile",
  },
  username_is_address: {
    severity: "note",
    words:
      "username that is the user's own address: imported without it; the user signs in by the address",
  },
  address_refused: {
    severity: "loss",
    words:
      "address that mail cannot go to: imported without it; it is kept as importedEmail in the profile",
  },
  address_shared: {
    severity: "note",
    words: "address that another user has: it gets mail, but does not sign this user in",
  },
  no_identifier: {
    severity: "loss",
    words: "neither a username nor an address of their own is left: imported, but cannot sign in",
  },
  hash_unknown: {
    severity: "loss",
    words: "password hash of a kind that cannot be checked here: imported without a password",
  },
  no_hash: {
    severity: "note",
    words:
      "password column that holds no hash, with which no user can sign in: imported without a password",
  },
  factor_dropped: {
    severity: "factor",
    words: "confirmed second factor of a kind that cannot be imported: imported without it",
  },
  codes_without_factor: {
    severity: "factor",
    words:
      "recovery codes as the only second factor, which are not asked for here: imported, but the user signs in with the password alone",
  },
  codes_left_out: {
    severity: "note",
    words:
      "more recovery codes than a user gets here, or a code of an unknown form: imported without them",
  },
  clock_drifts: {
    severity: "note",
    words:
      "authenticator app whose clock differs from Django's: imported, but a code that is off by more than one step is refused",
  },
  factor_unconfirmed: {
    severity: "note",
    words: "second factor that was never confirmed: imported without it",
  },
  number_taken: {
    severity: "loss",
    words: "number that another user has here: imported under a new number",
  },
  number_unusable: {
    severity: "loss",
    words: "number that cannot be kept: imported under a new number",
  },
  key_missing: { severity: "loss", words: "row without a key: not imported" },
  key_repeated: { severity: "loss", words: "row with the key of an earlier one: not imported" },
  another_here: {
    severity: "loss",
    words:
      "user imported under this key before, who joined at another time and so is another person: not imported",
  },
  deleted_here: {
    severity: "note",
    words: "user who was imported before and deleted here since: not imported again",
  },
  // A mark in the profile is no substitute, because users can change their profile.
  staff_dropped: {
    severity: "note",
    words: "staff but no superuser, which has no meaning here: imported as a plain user",
  },
  flag_unreadable: {
    severity: "note",
    words:
      "flag that is neither true nor false: imported as inactive, without staff or superuser rights",
  },
  moment_unreadable: {
    severity: "note",
    words: "date that cannot be read, or is not between 1970 and now: left out",
  },
  value_left_out: {
    severity: "note",
    words: "value too long or not storable: left out of the profile",
  },
  token_user_unknown: {
    severity: "note",
    words: "refresh token of a user who is not here: not imported",
  },
  token_unreadable: {
    severity: "note",
    words: "refresh token without a jti of 32 digits or an expiry: not imported",
  },
} as const satisfies Record<
  string,
  { readonly severity: "loss" | "factor" | "note"; readonly words: string }
>;

export type FindingKind = keyof typeof kinds;
export type Severity = (typeof kinds)[FindingKind]["severity"];

export interface Finding {
  readonly kind: FindingKind;
  /** The key of the row in the source. */
  readonly key: string;
  /** The table of the row, if it is not the table of users. */
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  /** The value of the column, if it is no secret. */
  readonly value?: string | undefined;
}

export const wordsFor = (kind: FindingKind): string => kinds[kind].words;
export const severityOf = (kind: FindingKind): Severity => kinds[kind].severity;
