import type { Tables } from "../../platform/db/tables.ts";

/** How the value of a column is shown; bytes are shown in Base64url. */
export type Shown = "text" | "json";
export interface LeftOut {
  readonly because: string;
}

/** The column by which the rows of a user are found. */
type Found<Columns> = {
  readonly by: "user" | "address";
  readonly column: keyof Columns & string;
};

interface PersonalTable<Columns> {
  readonly rows: Found<Columns>;
  /** Every column. A new one does not type-check until it is decided what becomes of it. */
  readonly columns: { readonly [Column in keyof Columns]: Shown | LeftOut };
}

const secret: LeftOut = { because: "It guards the account, and is a digest or sealed." };
const inner: LeftOut = { because: "It is a mark of the server's own work and says nothing." };
const canonical: LeftOut = { because: "It is the address or the name again, in lower case." };
const ownId: LeftOut = { because: "It is the id of the user, which the account has." };

/**
 * What is kept about a person, table by table (PV-03). A table without personal data has the reason
 * instead. A new table does not type-check until it has one or the other.
 */
export const personalData: {
  readonly [Name in keyof Tables]: PersonalTable<Tables[Name]> | LeftOut;
} = {
  users: {
    rows: { by: "user", column: "id" },
    columns: {
      id: "text",
      number: "text",
      email: "text",
      email_canonical: canonical,
      email_verified_at: "text",
      shared_email_canonical: canonical,
      username: "text",
      username_canonical: canonical,
      password_sealed: secret,
      password_changed_at: "text",
      superuser_since: "text",
      disabled_at: "text",
      paused_at: "text",
      profile: "json",
      locale: "text",
      hard_epoch: inner,
      authorization_epoch: inner,
      created_at: "text",
      last_login_at: "text",
    },
  },
  registrations: {
    rows: { by: "user", column: "user_id" },
    columns: {
      id: "text",
      user_id: ownId,
      email: "text",
      email_canonical: canonical,
      username: "text",
      profile: "json",
      locale: "text",
      password_sealed: secret,
      client_secret_hash: secret,
      token_hash: secret,
      code_mac: secret,
      tries_left: inner,
      code_expires_at: "text",
      created_at: "text",
      expires_at: "text",
      confirmed_at: "text",
    },
  },
  password_resets: {
    rows: { by: "user", column: "user_id" },
    columns: {
      id: "text",
      user_id: ownId,
      token_hash: secret,
      code_mac: secret,
      tries_left: inner,
      password_changed_at: inner,
      email_canonical: "text",
      created_at: "text",
      expires_at: "text",
      used_at: "text",
    },
  },
  email_changes: {
    rows: { by: "user", column: "user_id" },
    columns: {
      id: "text",
      user_id: ownId,
      email: "text",
      email_canonical: canonical,
      token_hash: secret,
      code_mac: secret,
      tries_left: inner,
      password_changed_at: inner,
      old_email: "text",
      old_email_canonical: canonical,
      created_at: "text",
      code_expires_at: "text",
      expires_at: "text",
      confirmed_at: "text",
      void_at: "text",
      undo_hash: secret,
      undo_expires_at: "text",
      undone_at: "text",
    },
  },
  sessions: {
    rows: { by: "user", column: "user_id" },
    columns: {
      id: "text",
      user_id: ownId,
      generation: inner,
      rotated_at: "text",
      confirmed_at: inner,
      attempt_hash: secret,
      hard_epoch: inner,
      auth_time: "text",
      amr: "json",
      acr: "text",
      created_at: "text",
      last_used_at: "text",
      idle_ends_at: "text",
      ends_at: "text",
      max_access_exp: inner,
      address: "text",
      user_agent: "text",
      revoked_at: "text",
      revoked_cause: "text",
    },
  },
  face_tokens: {
    rows: { by: "user", column: "user_id" },
    columns: { token_hash: secret, session_id: "text", user_id: ownId, created_at: "text" },
  },
  imported_tokens: {
    rows: { by: "user", column: "user_id" },
    columns: { jti: secret, user_id: ownId, expires_at: "text", used_at: "text" },
  },
  challenges: {
    rows: { by: "user", column: "user_id" },
    columns: {
      id: "text",
      user_id: ownId,
      secret_hash: secret,
      standing: secret,
      enrols: inner,
      tries_left: inner,
      address: "text",
      trusted_device: inner,
      created_at: "text",
      expires_at: "text",
      done_at: "text",
    },
  },
  remembered_devices: {
    rows: { by: "user", column: "user_id" },
    columns: {
      id: "text",
      user_id: ownId,
      password_changed_at: inner,
      address: "text",
      user_agent: "text",
      created_at: "text",
      last_used_at: "text",
      expires_at: "text",
    },
  },
  totp_devices: {
    rows: { by: "user", column: "user_id" },
    columns: {
      id: "text",
      user_id: ownId,
      name: "text",
      flow_id: inner,
      secret_sealed: secret,
      digits: "text",
      period_seconds: "text",
      last_step: inner,
      created_at: "text",
      confirmed_at: "text",
    },
  },
  recovery_codes: {
    rows: { by: "user", column: "user_id" },
    columns: {
      id: "text",
      user_id: ownId,
      code_sealed: secret,
      created_at: "text",
      used_at: "text",
    },
  },
  email_factors: {
    rows: { by: "user", column: "user_id" },
    columns: { user_id: ownId, created_at: "text" },
  },
  email_codes: {
    rows: { by: "user", column: "user_id" },
    columns: {
      flow_id: inner,
      user_id: ownId,
      code_mac: secret,
      tries_left: inner,
      email_canonical: "text",
      created_at: "text",
      expires_at: "text",
      used_at: "text",
    },
  },
  passkeys: {
    rows: { by: "user", column: "user_id" },
    columns: {
      id: "text",
      user_id: ownId,
      name: "text",
      credential_id: "text",
      public_key: "text",
      sign_count: "text",
      transports: "json",
      kind: "text",
      backed_up_at: "text",
      verified_at: "text",
      suspect_since: "text",
      aaguid: "text",
      created_at: "text",
      last_used_at: "text",
    },
  },
  ceremonies: {
    rows: { by: "user", column: "user_id" },
    columns: {
      id: "text",
      kind: "text",
      challenge: secret,
      user_id: ownId,
      flow_id: inner,
      standing: secret,
      created_at: "text",
      expires_at: "text",
    },
  },
  outbox: {
    rows: { by: "address", column: "recipient" },
    columns: {
      id: "text",
      channel: "text",
      recipient: "text",
      template: "text",
      data: { because: "It is sealed, may hold a code, and has been mailed to the user." },
      locale: "text",
      created_at: "text",
      expires_at: "text",
      attempts: "text",
      next_attempt_at: inner,
      claimed_by: inner,
      sent_at: "text",
      failed_at: "text",
      last_error: "text",
    },
  },
  suppressions: {
    rows: { by: "address", column: "address" },
    columns: { id: "text", address: "text", reason: "text", created_at: "text" },
  },
  audit_events: {
    rows: { by: "user", column: "user_id" },
    columns: {
      position: "text",
      at: "text",
      event: "text",
      actor_kind: "text",
      actor_id: { because: "It can be the id of another person, such as a superuser." },
      user_id: ownId,
      session_id: "text",
      address: "text",
      result: "text",
      request_id: "text",
      details: "json",
      mac: secret,
    },
  },
  signing_keys: { because: "Keys belong to the server." },
  revocations: { because: "It repeats the ends of sessions, which the sessions have." },
  leases: { because: "Leases belong to servers." },
  attempts: { because: "Its keys are digests that cannot be turned back, and it lasts hours." },
  counters: { because: "It counts events of all users together." },
  runners: { because: "It names processes of the server." },
  audit_head: { because: "It holds the end of the chain." },
  setup_links: { because: "A setup link belongs to no user." },
};
