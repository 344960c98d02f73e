import type { Generated, GeneratedAlways } from "kysely";

/**
 * Holds the data model on one page. Instants are whole seconds (`…_at`, null while the event has
 * not happened), ids are UUID text, JSON is text, secrets are digests or sealed blobs. SQLite and
 * PostgreSQL have the same columns.
 */
export interface Tables {
  users: UsersTable;
  registrations: RegistrationsTable;
  password_resets: PasswordResetsTable;
  email_changes: EmailChangesTable;
  sessions: SessionsTable;
  face_tokens: FaceTokensTable;
  imported_tokens: ImportedTokensTable;
  challenges: ChallengesTable;
  remembered_devices: RememberedDevicesTable;
  totp_devices: TotpDevicesTable;
  recovery_codes: RecoveryCodesTable;
  email_factors: EmailFactorsTable;
  email_codes: EmailCodesTable;
  passkeys: PasskeysTable;
  ceremonies: CeremoniesTable;
  signing_keys: SigningKeysTable;
  revocations: RevocationsTable;
  leases: LeasesTable;
  attempts: AttemptsTable;
  counters: CountersTable;
  outbox: OutboxTable;
  suppressions: SuppressionsTable;
  runners: RunnersTable;
  audit_events: AuditEventsTable;
  audit_head: AuditHeadTable;
  setup_links: SetupLinksTable;
}

export interface UsersTable {
  id: string;
  /** Increases and is never reused. Only the Django faces and imports show it. */
  number: Generated<number>;
  email: string | null;
  /**
   * Unique. Addresses are compared by this form. Mail goes to `email`, never to the text that a
   * caller typed.
   */
  email_canonical: string | null;
  email_verified_at: number | null;
  /**
   * Takes the place of `email_canonical` if another user has the same address. Faces that let users
   * log in by username do not ask for an address of one's own.
   */
  shared_email_canonical: string | null;
  username: string | null;
  username_canonical: string | null;
  /** PHC string sealed for this user id. Null if the user cannot sign in by password. */
  password_sealed: Uint8Array | null;
  password_changed_at: number | null;
  superuser_since: number | null;
  disabled_at: number | null;
  /**
   * Set while a face waits for the link of its activation mail. The user cannot sign in until then,
   * but no session ends.
   */
  paused_at: number | null;
  profile: string;
  /** Language of the user's mail, BCP 47. Null means the operator's language. */
  locale: string | null;
  /** When it is raised, every older token of the user is dead. */
  hard_epoch: number;
  /** When it is raised, older access tokens are answered with `token_stale`. */
  authorization_epoch: number;
  created_at: number;
  last_login_at: number | null;
}

export interface RegistrationsTable {
  id: string;
  /** Id of the user that this registration becomes. The password is sealed for it. */
  user_id: string;
  email: string;
  email_canonical: string;
  username: string | null;
  profile: string;
  locale: string | null;
  password_sealed: Uint8Array;
  client_secret_hash: string;
  /** Digest of the token in the mailed link. Null if no link was mailed. */
  token_hash: string | null;
  code_mac: string;
  /** Tries left for code and link together. */
  tries_left: number;
  code_expires_at: number;
  created_at: number;
  /** When the link expires, and with it the row. */
  expires_at: number;
  confirmed_at: number | null;
}

export interface PasswordResetsTable {
  id: string;
  /**
   * Null if no user has the address, or if another reset or a change has overtaken this one. The
   * row then only makes the answers alike.
   */
  user_id: string | null;
  token_hash: string;
  code_mac: string;
  tries_left: number;
  /** The user's `password_changed_at` and address at the beginning. A change of either voids it. */
  password_changed_at: number | null;
  email_canonical: string | null;
  created_at: number;
  expires_at: number;
  used_at: number | null;
}

export interface EmailChangesTable {
  id: string;
  user_id: string;
  /**
   * The address that the user wants to have. The code and the link are mailed to it and to no other
   * (RG-05).
   */
  email: string;
  email_canonical: string;
  /** Digest of the token in the link that is mailed to the new address. */
  token_hash: string;
  code_mac: string;
  tries_left: number;
  /** The user's `password_changed_at` and address at the beginning. A change of either voids it. */
  password_changed_at: number | null;
  old_email: string | null;
  old_email_canonical: string | null;
  created_at: number;
  code_expires_at: number;
  expires_at: number;
  confirmed_at: number | null;
  /** Set if a newer change, a reset or an undo has taken the place of this one. */
  void_at: number | null;
  /** Digest of the token in the link that is mailed to the old address after the confirmation. */
  undo_hash: string | null;
  undo_expires_at: number | null;
  undone_at: number | null;
}

export interface SessionsTable {
  id: string;
  user_id: string;
  /** Number of the current refresh token: 1, 2, 3 … */
  generation: number;
  rotated_at: number;
  /** When the client was seen to hold the current refresh token. */
  confirmed_at: number | null;
  /** Digest of the attempt id of the refresh that made the current generation. */
  attempt_hash: string | null;
  /** The hard epoch of the user under which this session is good. */
  hard_epoch: number;
  auth_time: number;
  /** JSON list (RFC 8176). */
  amr: string;
  acr: string;
  created_at: number;
  last_used_at: number;
  idle_ends_at: number;
  ends_at: number;
  /** Latest expiry of all access tokens of this session, written before a token is signed. */
  max_access_exp: number;
  address: string;
  user_agent: string;
  revoked_at: number | null;
  revoked_cause: string | null;
}

/** Holds the opaque tokens of Djoser's token login. A session has one. */
export interface FaceTokensTable {
  token_hash: string;
  session_id: string;
  user_id: string;
  created_at: number;
}

/**
 * Holds refresh tokens that Django issued before its users were imported. Each is good for one
 * session.
 */
export interface ImportedTokensTable {
  /** 32 hexadecimal digits. */
  jti: string;
  user_id: string;
  expires_at: number;
  used_at: number | null;
}

/**
 * Holds sign-ins whose password was right and whose second factor is still missing. They have no
 * session yet.
 */
export interface ChallengesTable {
  id: string;
  user_id: string;
  /** Digest of the secret that the client must show with each step. */
  secret_hash: string;
  /**
   * `standingOf` the user when the password was checked. If it has changed since, the challenge
   * opens nothing.
   */
  standing: string;
  /** 1 if the user has no factor yet and sets one up first. */
  enrols: number;
  tries_left: number;
  /**
   * The client's address and trusted device (if it has one) under which the attempt was counted.
   */
  address: string;
  trusted_device: string | null;
  created_at: number;
  expires_at: number;
  done_at: number | null;
}

/** Holds devices on which the user wants to be asked for the password alone. */
export interface RememberedDevicesTable {
  id: string;
  user_id: string;
  /** The user's `password_changed_at`. A device is forgotten when the password changes. */
  password_changed_at: number | null;
  address: string;
  user_agent: string;
  created_at: number;
  last_used_at: number;
  expires_at: number;
}

/** Authenticator apps (RFC 6238, HMAC-SHA-1). */
export interface TotpDevicesTable {
  id: string;
  user_id: string;
  name: string;
  /**
   * Challenge or session in which the device was begun, which is the only one that is shown the
   * secret. Empty if the device was imported.
   */
  flow_id: string;
  /** Sealed for this id. No answer holds it once the device is confirmed. */
  secret_sealed: Uint8Array;
  digits: number;
  period_seconds: number;
  /**
   * Time step of the last accepted code. Neither this code nor an earlier one is accepted again.
   */
  last_step: number;
  created_at: number;
  /** Null while the device does not count yet. */
  confirmed_at: number | null;
}

export interface RecoveryCodesTable {
  id: string;
  user_id: string;
  /** PHC string, sealed for this id. */
  code_sealed: Uint8Array;
  created_at: number;
  used_at: number | null;
}

/** Holds users who have codes mailed as a second factor. */
export interface EmailFactorsTable {
  user_id: string;
  created_at: number;
}

/** Holds the one mailed code that a flow has. A newer code replaces it. */
export interface EmailCodesTable {
  /** Kind and id of the flow that the code is for. */
  flow_id: string;
  user_id: string;
  code_mac: string;
  tries_left: number;
  /** The address that the code was mailed to. The code dies when the user's address changes. */
  email_canonical: string;
  created_at: number;
  expires_at: number;
  used_at: number | null;
}

export interface PasskeysTable {
  id: string;
  user_id: string;
  name: string;
  /** Base64url. Unique over all users (PK-04). */
  credential_id: string;
  /** COSE key. */
  public_key: Uint8Array;
  sign_count: number;
  /** JSON list (WebAuthn Level 3 §5.8.4). */
  transports: string;
  /** Says whether the passkey's provider may copy it (the BE flag, which never changes). */
  kind: "single_device" | "multi_device";
  /** Null while no copy is known to exist (the BS flag). */
  backed_up_at: number | null;
  /**
   * When the passkey last verified its user by PIN or biometrics. Null if it never did, and then it
   * counts as one factor.
   */
  verified_at: number | null;
  /** When the passkey's signature counter went back (PK-06). */
  suspect_since: number | null;
  aaguid: string;
  created_at: number;
  last_used_at: number | null;
}

/**
 * Holds WebAuthn ceremonies under way. The first step of using one deletes its row. A sign-in by
 * passkey alone works the other way round: its first step writes a row that says that it is over.
 */
export interface CeremoniesTable {
  id: string;
  kind: "registration" | "sign_in" | "second_factor";
  /** Base64url of 32 random bytes. */
  challenge: string;
  /** Null for a sign-in by passkey alone. */
  user_id: string | null;
  /** Challenge or session in which the ceremony was begun. Empty for a sign-in by passkey alone. */
  flow_id: string;
  /** `standingOf` the user when the ceremony began. */
  standing: string;
  created_at: number;
  expires_at: number;
}

export interface SigningKeysTable {
  /** RFC 7638 thumbprint. */
  kid: string;
  algorithm: string;
  public_jwk: string;
  /** PKCS #8, sealed for this kid. Null once the key is removed. */
  private_sealed: Uint8Array | null;
  announced_at: number;
  activated_at: number | null;
  retired_at: number | null;
  removed_at: number | null;
}

export interface RevocationsTable {
  seq: Generated<number>;
  /**
   * Commit order. PostgreSQL has `xid8 not null default pg_current_xact_id()`, read as a number.
   * SQLite has `generated always as (seq)`, because it has one writer at a time.
   */
  xid: GeneratedAlways<number>;
  scope: "session" | "user" | "all" | "key";
  /** Session id, user id, `*` or kid. */
  subject: string;
  /** Hard epoch below which tokens are dead (scopes `user` and `all`). */
  min_hard_epoch: number | null;
  /** Authorization epoch below which tokens are stale (scope `user`). */
  min_authorization_epoch: number | null;
  cause: string;
  created_at: number;
  /** When the last token that this revocation covers has expired. */
  expires_at: number;
}

/**
 * Holds one row for each running server. A revocation is acknowledged when every live server has
 * applied it.
 */
export interface LeasesTable {
  node_id: string;
  boot_id: string;
  lease_until: number;
  /** The node has applied every revocation whose `xid` is below this. */
  applied_before: number;
}

/** Counts attempts before the work that they guard. */
export interface AttemptsTable {
  bucket: string;
  count: number;
  window_ends_at: number;
}

export interface CountersTable {
  name: string;
  hour_starts_at: number;
  count: number;
}

export interface OutboxTable {
  id: string;
  channel: Generated<string>;
  /** Empty, as `template` is, for an entry that only costs the time of a real one (EN-04). */
  recipient: string;
  /** The kind of an entry in the words of its channel. For mail it is the template. */
  template: string;
  /**
   * JSON, sealed for this id because it may hold a mailed code. It is emptied once the entry is
   * sent.
   */
  data: string;
  locale: string | null;
  created_at: number;
  /** From this moment on the entry is of no use and is not sent. Null means never. */
  expires_at: number | null;
  attempts: number;
  /** While an entry is claimed: when others may claim it, because its sender has died. */
  next_attempt_at: number;
  /** The holder of the runner that has taken the entry for sending. */
  claimed_by: string | null;
  sent_at: number | null;
  failed_at: number | null;
  last_error: string | null;
}

/** Holds addresses that get no more mail. */
export interface SuppressionsTable {
  id: string;
  /** Canonical. */
  address: string;
  reason: "hard_bounce" | "complaint" | "operator";
  created_at: number;
}

/** Holds, for each task that one process does for the whole deployment, which process that is. */
export interface RunnersTable {
  name: string;
  holder: string;
  held_until: number;
}

export interface AuditEventsTable {
  position: number;
  at: number;
  event: string;
  actor_kind: "user" | "superuser" | "operator" | "system" | "anonymous";
  actor_id: string | null;
  user_id: string | null;
  session_id: string | null;
  address: string | null;
  result: "done" | "refused";
  request_id: string | null;
  details: string;
  /** HMAC over this event and the one before it. */
  mac: string;
}

/** Holds one row: the end of the chain. */
export interface AuditHeadTable {
  id: number;
  position: number;
  mac: string;
  /**
   * The last event that retention has removed, and its MAC in the form of `mac`. They are 0 and
   * empty while none has been removed.
   */
  pruned_position: number;
  pruned_mac: string;
}

export interface SetupLinksTable {
  token_hash: string;
  expires_at: number;
  used_at: number | null;
}
