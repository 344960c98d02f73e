/**
 * Every refusal Portcullis can send, as RFC 9457 problem details. A released code is frozen:
 * clients branch on it. `title` is public and the same for every occurrence; what differs travels
 * in members of its own.
 */
export const failures = {
  // ── the request itself
  malformed_request: { status: 400, title: "The request could not be understood" },
  malformed_json: { status: 400, title: "The body is not acceptable JSON" },
  not_found: { status: 404, title: "There is nothing here" },
  method_not_allowed: { status: 405, title: "This method is not supported here" },
  request_timeout: { status: 408, title: "The request took too long to arrive" },
  body_too_large: { status: 413, title: "The body is larger than this server accepts" },
  unsupported_media_type: { status: 415, title: "Send the body as application/json, uncompressed" },
  invalid_input: { status: 422, title: "Some members of the request are not acceptable" },
  rate_limited: { status: 429, title: "Too many attempts; wait and try again" },
  headers_too_large: { status: 431, title: "The headers are larger than this server accepts" },
  internal: { status: 500, title: "Something went wrong here; the fault has been recorded" },
  busy: { status: 503, title: "The server is busy; try again shortly" },
  unavailable: { status: 503, title: "The server cannot reach its storage; try again shortly" },

  // ── who is asking
  unauthenticated: { status: 401, title: "Send an access token as Authorization: Bearer" },
  invalid_token: { status: 401, title: "The access token is not valid here" },
  token_expired: { status: 401, title: "The access token has expired; refresh it" },
  token_stale: { status: 401, title: "The access token is out of date; refresh it" },
  session_ended: { status: 401, title: "This session has ended; sign in again" },
  revocation_view_stale: {
    status: 503,
    title: "The server cannot tell at the moment whether this token is still good",
  },
  forbidden: { status: 403, title: "This is for superusers" },
  factor_required: { status: 403, title: "A second factor is required of this account" },

  // ── accounts
  invalid_credentials: { status: 401, title: "The name or the password is wrong" },
  invalid_challenge: { status: 401, title: "This sign-in is over; begin again" },
  second_factor_required: { status: 401, title: "A second factor is needed" },
  invalid_passkey: { status: 401, title: "The passkey was not accepted" },
  insufficient_user_authentication: {
    status: 401,
    title: "Prove once more who you are, then try again",
  },
  invalid_refresh_token: { status: 401, title: "The refresh token is not valid; sign in again" },
  account_paused: { status: 403, title: "This account waits for its address to be confirmed" },
  registration_closed: { status: 403, title: "Registration is closed" },
  email_taken: { status: 409, title: "This address belongs to an account already" },
  username_taken: { status: 409, title: "This username is taken" },
  invalid_code: { status: 422, title: "The code is wrong, used or expired" },
  code_expired: { status: 422, title: "The code has expired; ask for a new one" },
  code_used: { status: 422, title: "The code has been used already" },
  code_exhausted: { status: 422, title: "The code was tried too often; ask for a new one" },
  invalid_link: { status: 422, title: "The link is incomplete or not one of ours" },
  link_used: { status: 422, title: "The link has been used already" },
  link_expired: { status: 422, title: "The link has expired; ask for a new one" },
  link_void: {
    status: 422,
    title: "The link no longer works: something newer has taken its place",
  },
  unacceptable_password: { status: 422, title: "This password cannot be used" },
  wrong_password: { status: 422, title: "The current password is wrong" },
  factors_off: { status: 403, title: "Second factors cannot be set up on this server" },
  factor_unavailable: { status: 409, title: "This second factor cannot be used here" },
  no_factor: { status: 409, title: "This account has no second factor" },
  too_many_factors: { status: 409, title: "This account has as many of these as it may have" },
  last_credential: { status: 409, title: "Nobody could sign in to this account any more" },
  no_address: { status: 409, title: "This account has no e-mail address" },
  last_superuser: { status: 409, title: "The last active superuser cannot be disabled or deleted" },
  mail_expired: { status: 409, title: "What this mail holds has expired: its user must ask anew" },
  invalid_signature: {
    status: 401,
    title: "The report is not signed with this server's secret, or too old",
  },
  setup_closed: { status: 403, title: "The setup link is wrong, used or expired" },
} as const satisfies Record<string, Failure>;

export interface Failure {
  readonly status: number;
  readonly title: string;
}

export type FailureCode = keyof typeof failures;

/**
 * Why a session ended: told to its user, its client and the operator. Frozen once released; append
 * only.
 */
export const endCauses = [
  "logout",
  "logout_other_device",
  "logout_everywhere",
  "password_changed",
  "password_reset",
  "refresh_reused",
  "refresh_ahead",
  "idle",
  "expired",
  "user_disabled",
  "user_deleted",
  "admin",
  "session_limit",
  "restored",
  "key_removed",
  "email_change_undone",
  "step_up",
  "factor_changed",
  "factors_reset",
] as const;

export type EndCause = (typeof endCauses)[number];
