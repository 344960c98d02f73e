import type { Generated, GeneratedAlways } from "kysely";

/**
 * The data model on one page. Instants are whole seconds (`…_at`, null while it has not happened),
 * ids are UUID text, JSON is text, secrets are digests or sealed blobs. The same columns in SQLite
 * and PostgreSQL.
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
  /** Increasing and never reused; only the Django faces and imports show it. */
  number: Generated<number>;
  email: string | null;
  /** Unique. What addresses are compared by; mail goes to `email`, never to what a caller typed. */
  email_canonical: string | null;
  email_verified_at: number | null;
  /**
   * As `email_canonical`, where that is another user's: faces that let users log in by username ask
   * for no address of one's own.
   */
  shared_email_canonical: string | null;
  username: string | null;
  username_canonical: string | null;
  /** PHC string sealed for this user id; null: nobody can sign in by password. */
  password_sealed: Uint8Array | null;
  password_changed_at: number | null;
  superuser_since: number | null;
  disabled_at: number | null;
  /** A face waits for the activation mail's link: nobody gets in, and no session ends. */
  paused_at: number | null;
  profile: string;
  /** BCP 47, of their mail; null: the operator's. */
  locale: string | null;
  /** Raised, every older token of the user is dead. */
  hard_epoch: number;
  /** Raised, older access tokens answer `token_stale`. */
  authorization_epoch: number;
  created_at: number;
  last_login_at: number | null;
}

export interface RegistrationsTable {
  id: string;
  /** Id of the user this becomes; the password is sealed for it. */
  user_id: string;
  email: string;
  email_canonical: string;
  username: string | null;
  profile: string;
  locale: string | null;
  password_sealed: Uint8Array;
  client_secret_hash: string;
  /** Of the mailed link; null where nothing was mailed. */
  token_hash: string | null;
  code_mac: string;
  /** Of code and link together. */
  tries_left: number;
  code_expires_at: number;
  created_at: number;
  /** Of the link, and of the row. */
  expires_at: number;
  confirmed_at: number | null;
}

export interface PasswordResetsTable {
  id: string;
  /**
   * Null where nobody has the address, or another reset or a change has overtaken it: the row then
   * only makes the answers alike.
   */
  user_id: string | null;
  token_hash: string;
  code_mac: string;
  tries_left: number;
  /** The user's `password_changed_at` and address when it began; it dies when either changes. */
  password_changed_at: number | null;
  email_canonical: string | null;
  created_at: number;
  expires_at: number;
  used_at: number | null;
}

export interface EmailChangesTable {
  id: string;
  user_id: string;
  /** The address it is to become; mailed to it and to no other (RG-05). */
  email: string;
  email_canonical: string;
  /** Of the link mailed to the new address. */
  token_hash: string;
  code_mac: string;
  tries_left: number;
  /** The user's `password_changed_at` and address when it began; it dies when either changes. */
  password_changed_at: number | null;
  old_email: string | null;
  old_email_canonical: string | null;
  created_at: number;
  code_expires_at: number;
  expires_at: number;
  confirmed_at: number | null;
  /** A newer one, a reset or an undo has taken its place. */
  void_at: number | null;
  /** Of the link mailed to the old address once it was confirmed. */
  undo_hash: string | null;
  undo_expires_at: number | null;
  undone_at: number | null;
}

export interface SessionsTable {
  id: string;
  user_id: string;
  /** Number of the current refresh token. */
  generation: number;
  rotated_at: number;
  /** When the client was seen to hold the current refresh token. */
  confirmed_at: number | null;
  /** Digest of the attempt id of the refresh that made the current generation. */
  attempt_hash: string | null;
  /** The user's hard epoch this session is good for. */
  hard_epoch: number;
  auth_time: number;
  /** JSON list (RFC 8176). */
  amr: string;
  acr: string;
  created_at: number;
  last_used_at: number;
  idle_ends_at: number;
  ends_at: number;
  /** Latest expiry of any access token minted for it, written before the token is signed. */
  max_access_exp: number;
  address: string;
  user_agent: string;
  revoked_at: number | null;
  revoked_cause: string | null;
}

/** Opaque tokens of Djoser's token login: one a session. */
export interface FaceTokensTable {
  token_hash: string;
  session_id: string;
  user_id: string;
  created_at: number;
}

/** Refresh tokens that Django gave out before its users came here; each is good for one session. */
export interface ImportedTokensTable {
  /** 32 hexadecimal digits. */
  jti: string;
  user_id: string;
  expires_at: number;
  used_at: number | null;
}

/** Sign-ins whose password was right and whose second factor is still to come. No session yet. */
export interface ChallengesTable {
  id: string;
  user_id: string;
  /** Of what the client must show with each step. */
  secret_hash: string;
  /** `standingOf` the user when the password was checked; another one, and it opens nothing. */
  standing: string;
  /** Whether the user has no factor yet and sets one up first. */
  enrols: number;
  tries_left: number;
  /** As the attempt was counted: its address, and its trusted device if it came from one. */
  address: string;
  trusted_device: string | null;
  created_at: number;
  expires_at: number;
  done_at: number | null;
}

/** Devices whose user wants to be asked for the password alone there. */
export interface RememberedDevicesTable {
  id: string;
  user_id: string;
  /** The user's `password_changed_at`: it dies with the password. */
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
   * Challenge or session it was begun in: nobody else is shown its secret. Empty where it was
   * imported.
   */
  flow_id: string;
  /** Sealed for this id; no answer holds it once it is confirmed. */
  secret_sealed: Uint8Array;
  digits: number;
  period_seconds: number;
  /** Of the last code accepted: neither it nor an earlier one is accepted again. */
  last_step: number;
  created_at: number;
  /** Null: it counts for nothing yet. */
  confirmed_at: number | null;
}

export interface RecoveryCodesTable {
  id: string;
  user_id: string;
  /** PHC string sealed for this id. */
  code_sealed: Uint8Array;
  created_at: number;
  used_at: number | null;
}

/** Users who have codes mailed as a second factor. */
export interface EmailFactorsTable {
  user_id: string;
  created_at: number;
}

/** The one mailed code a flow has; a newer one takes its row. */
export interface EmailCodesTable {
  /** What it is shown for: kind and id of the flow. */
  flow_id: string;
  user_id: string;
  code_mac: string;
  tries_left: number;
  /** Where it was mailed to: it dies when the user moves. */
  email_canonical: string;
  created_at: number;
  expires_at: number;
  used_at: number | null;
}

export interface PasskeysTable {
  id: string;
  user_id: string;
  name: string;
  /** Base64url; unique over all users (PK-04). */
  credential_id: string;
  /** COSE key. */
  public_key: Uint8Array;
  sign_count: number;
  /** JSON list (WebAuthn Level 3 §5.8.4). */
  transports: string;
  /** Whether its provider may copy it (the BE flag, which never changes). */
  kind: "single_device" | "multi_device";
  /** Null while no copy is known to exist (the BS flag). */
  backed_up_at: number | null;
  /**
   * When its user was last verified by PIN or biometrics; null: it has not been seen to do so, and
   * stands for one factor.
   */
  verified_at: number | null;
  /** When its counter went back (PK-06). */
  suspect_since: number | null;
  aaguid: string;
  created_at: number;
  last_used_at: number | null;
}

/**
 * WebAuthn ceremonies under way; a row is deleted as the first step of its use. Of a sign-in by
 * passkey alone, the other way round: a row is written as the first step, and says that it is over.
 */
export interface CeremoniesTable {
  id: string;
  kind: "registration" | "sign_in" | "second_factor";
  /** Base64url of 32 random bytes. */
  challenge: string;
  /** Null of a sign-in by passkey alone. */
  user_id: string | null;
  /** Challenge or session it was begun in; empty for a sign-in by passkey alone. */
  flow_id: string;
  /** `standingOf` the user when it began. */
  standing: string;
  created_at: number;
  expires_at: number;
}

export interface SigningKeysTable {
  /** RFC 7638 thumbprint. */
  kid: string;
  algorithm: string;
  public_jwk: string;
  /** PKCS #8 sealed for this kid; null once removed. */
  private_sealed: Uint8Array | null;
  announced_at: number;
  activated_at: number | null;
  retired_at: number | null;
  removed_at: number | null;
}

export interface RevocationsTable {
  seq: Generated<number>;
  /**
   * Commit order. PostgreSQL: `xid8 not null default pg_current_xact_id()`, read as a number;
   * SQLite: generated always as (seq), one writer at a time.
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
  /** When the last covered token is dead by itself. */
  expires_at: number;
}

/** One row per running server; a revocation is acknowledged when every live one has applied it. */
export interface LeasesTable {
  node_id: string;
  boot_id: string;
  lease_until: number;
  /** Every revocation whose `xid` is below this has been applied by the node. */
  applied_before: number;
}

/** Failed attempts, counted before the work they guard. */
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

/** Addresses that get no more mail. */
export interface SuppressionsTable {
  id: string;
  /** Canonical. */
  address: string;
  reason: "hard_bounce" | "complaint" | "operator";
  created_at: number;
}

/** What one process of a deployment does for all: whoever holds the row. */
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
  /** HMAC over this record and the one before it. */
  mac: string;
}

/** One row: where the chain ends. */
export interface AuditHeadTable {
  id: number;
  position: number;
  mac: string;
  /**
   * The last event that retention has removed, and its MAC as in `mac`; 0 and empty while none was.
   */
  pruned_position: number;
  pruned_mac: string;
}

export interface SetupLinksTable {
  token_hash: string;
  expires_at: number;
  used_at: number | null;
}
