import type { Generated, GeneratedAlways } from "kysely";

/**
 * The data model on one page. Instants are whole seconds (`…_at`, null while it has not happened), ids are UUID text,
 * JSON is text, secrets are digests or sealed blobs. The same columns in SQLite and PostgreSQL.
 */
export interface Tables {
  users: UsersTable;
  registrations: RegistrationsTable;
  password_resets: PasswordResetsTable;
  sessions: SessionsTable;
  signing_keys: SigningKeysTable;
  revocations: RevocationsTable;
  leases: LeasesTable;
  attempts: AttemptsTable;
  counters: CountersTable;
  outbox: OutboxTable;
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
  username: string | null;
  username_canonical: string | null;
  /** PHC string sealed for this user id; null: nobody can sign in by password. */
  password_sealed: Uint8Array | null;
  password_changed_at: number | null;
  superuser_since: number | null;
  disabled_at: number | null;
  profile: string;
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
  password_sealed: Uint8Array;
  client_secret_hash: string;
  code_mac: string;
  tries_left: number;
  created_at: number;
  expires_at: number;
  confirmed_at: number | null;
}

export interface PasswordResetsTable {
  id: string;
  /** Null where nobody has the address: the row then only makes the answers alike. */
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
  /** Commit order. PostgreSQL: `xid8 not null default pg_current_xact_id()`, read as a number; SQLite: generated always as (seq), one writer at a time. */
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
  /** Empty, as `template` is, where nothing was to be mailed and that must not show (EN-04). */
  recipient: string;
  template: string;
  /** JSON the template is filled with, sealed for this id, for it holds the mailed code; emptied once sent. */
  data: string;
  created_at: number;
  attempts: number;
  next_attempt_at: number;
  sent_at: number | null;
  failed_at: number | null;
  last_error: string | null;
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
}

export interface SetupLinksTable {
  token_hash: string;
  expires_at: number;
  used_at: number | null;
}
