/**
 * Every refusal that Portcullis sends, by its code. A refusal is a problem document (RFC 9457) with
 * the media type `application/problem+json`:
 *
 * ```json
 * {
 *   "type": "urn:portcullis:rate_limited",
 *   "title": "Too many attempts; wait and try again",
 *   "status": 429,
 *   "code": "rate_limited",
 *   "instance": "urn:request:Zm9vYmFyYmF6",
 *   "retryAfterSeconds": 30
 * }
 * ```
 *
 * Branch on `code`: a released code never changes its meaning. `title` is the same for every
 * occurrence of a code, is meant for developers, and may be reworded. Everything that differs
 * between two occurrences has a member of its own, such as `retryAfterSeconds` or `errors`.
 *
 * Quote `instance` in a report to the operator. It names the request in the server's log.
 *
 * @example
 * ```ts
 * import { failures } from "@portcullis/contract";
 *
 * const { status, title } = failures.rate_limited;
 * console.log(`${status}: ${title}`); // 429: Too many attempts; wait and try again
 * ```
 */
export const failures = {
  // ── The request itself

  /**
   * The request line, the query string or the length of the request is malformed, or the call takes
   * no body and has one. Repeating the same request never helps.
   */
  malformed_request: { status: 400, title: "The request could not be understood" },
  /**
   * The body is not JSON in UTF-8, names a member twice, or is nested too deeply. Repeating the
   * same request never helps.
   */
  malformed_json: { status: 400, title: "The body is not acceptable JSON" },
  /**
   * In cookie mode, a call that may change something came from a page of another origin, or without
   * the CSRF token of its session. `reason` is `origin`, `missing_token` or `token`, and `detail`
   * says what to do. After `token` and `missing_token`, get the token with `getCsrfToken` and
   * repeat the call once.
   */
  csrf_refused: { status: 403, title: "The call could have been forged by another page" },
  /** The path matches no call, or the caller may not know that the resource exists. */
  not_found: { status: 404, title: "Nothing was found at this path" },
  /** The path has no call with this method. The `Allow` header lists the methods that it has. */
  method_not_allowed: { status: 405, title: "This path does not support this method" },
  /** The request did not arrive completely in time. The client may repeat it. */
  request_timeout: { status: 408, title: "The request took too long to arrive" },
  /** The body is too large for this server (RFC 9110 §15.5.14). */
  body_too_large: { status: 413, title: "The body is larger than this server accepts" },
  /** The body is not `application/json`, or is compressed (RFC 9110 §15.5.16). */
  unsupported_media_type: { status: 415, title: "Send the body as application/json, uncompressed" },
  /**
   * The body, path or query string does not match the schema of the call, or a value is refused by
   * the operator's rules. `errors` lists each member with its JSON Pointer (RFC 6901).
   */
  invalid_input: { status: 422, title: "Some members of the request are not acceptable" },
  /**
   * The address or the account has used up its attempts. Wait `retryAfterSeconds`, which is also
   * the `Retry-After` header, before the next one (RFC 6585 §4).
   */
  rate_limited: { status: 429, title: "Too many attempts; wait and try again" },
  /** The headers are too large for this server (RFC 6585 §5). */
  headers_too_large: { status: 431, title: "The headers are larger than this server accepts" },
  /** The server has a defect. Report the request id to the operator. */
  internal: { status: 500, title: "The server failed; the error has been recorded" },
  /** The server cannot check more passwords right now. Repeat the call after `Retry-After`. */
  busy: { status: 503, title: "The server is busy; try again shortly" },
  /** The server cannot reach its database. Repeat the call after `Retry-After`. */
  unavailable: { status: 503, title: "The server cannot reach its storage; try again shortly" },

  // ── The access token

  /** The request has no access token (RFC 6750 §3.1). */
  unauthenticated: { status: 401, title: "Send an access token as Authorization: Bearer" },
  /** The token is malformed, has a wrong signature, or was issued for another service. */
  invalid_token: { status: 401, title: "The access token is not valid here" },
  /** The token is past its `exp`. Refresh the tokens and repeat the call. */
  token_expired: { status: 401, title: "The access token has expired; refresh it" },
  /** The user's rights have changed since. Refresh the tokens and repeat the call. */
  token_stale: { status: 401, title: "The access token is out of date; refresh it" },
  /**
   * The session of the token has ended, for example by a logout. A refresh cannot help: show the
   * sign-in page. `cause` tells the reason, if the server still knows it; see {@link endCauses}.
   */
  session_ended: { status: 401, title: "This session has ended; sign in again" },
  /**
   * The server cannot read the latest revocations, so it refuses every token until it can. Repeat
   * the call after `Retry-After`.
   */
  revocation_view_stale: {
    status: 503,
    title: "The server cannot check right now whether this token is still valid",
  },
  /** The user is not a superuser (RFC 6750 §3.1, `insufficient_scope`). */
  forbidden: { status: 403, title: "Only superusers may do this" },
  /**
   * The operator requires a second factor of this user. A superuser without one has to set it up at
   * the next sign-in, and a user who must have one cannot remove the last one.
   */
  factor_required: { status: 403, title: "This account must have a second factor" },

  // ── Signing in

  /**
   * The sign-in failed. The answer is the same for an unknown name, a wrong password and an account
   * that cannot be used, so that it does not reveal which accounts exist.
   */
  invalid_credentials: { status: 401, title: "The name or the password is wrong" },
  /** The challenge has expired, was answered already, or had too many tries. Sign in again. */
  invalid_challenge: { status: 401, title: "This sign-in has ended; start again" },
  /**
   * The password alone is not enough for a step-up, because the user has a second factor. `factors`
   * lists the ones that the user can prove.
   */
  second_factor_required: { status: 401, title: "A second factor is needed" },
  /** The passkey is unknown, belongs to another account, or its signature is wrong. */
  invalid_passkey: { status: 401, title: "The passkey was not accepted" },
  /**
   * The call needs a more recent or a stronger proof of identity (RFC 9470). Step up with
   * `POST /v1/step-up`, using one of `factors`, or the password if `factors` is empty. Then repeat
   * the call with the new access token.
   */
  insufficient_user_authentication: {
    status: 401,
    title: "Verify your identity again, then repeat the request",
  },
  /**
   * The refresh token is unknown, or its session has ended. Show the sign-in page. `cause` tells
   * the reason, if the server still knows it; see {@link endCauses}.
   */
  invalid_refresh_token: { status: 401, title: "The refresh token is not valid; sign in again" },
  /** The account can be used again once its user has confirmed the e-mail address. */
  account_paused: {
    status: 403,
    title: "This account is paused until its e-mail address is confirmed",
  },

  // ── Accounts

  /** The operator lets only superusers and imports create accounts. */
  registration_closed: { status: 403, title: "Registration is closed" },
  /** Another account has this e-mail address. */
  email_taken: { status: 409, title: "An account with this e-mail address already exists" },
  /** Another account has this username. Ask for another one. */
  username_taken: { status: 409, title: "This username is taken" },
  /** The code is not the right one. The user may try again until `code_exhausted`. */
  invalid_code: { status: 422, title: "The code is wrong, used or expired" },
  /** The code was valid once. Request a new one. */
  code_expired: { status: 422, title: "The code has expired; ask for a new one" },
  /** The code has already had its effect, so there is nothing left to confirm. */
  code_used: { status: 422, title: "The code has been used already" },
  /** Too many wrong codes were typed. Request a new one. */
  code_exhausted: { status: 422, title: "The code was tried too often; ask for a new one" },
  /** The link was cut short when it was copied, or this server has not made it. */
  invalid_link: { status: 422, title: "The link is incomplete or unknown" },
  /** The link has already had its effect, so there is nothing left to confirm. */
  link_used: { status: 422, title: "The link has been used already" },
  /** The link was valid once. Request a new one. */
  link_expired: { status: 422, title: "The link has expired; ask for a new one" },
  /**
   * The link was replaced by a newer one, was tried too often, or its purpose is gone because
   * something else in the account has changed. Use the newest mail, or request a new one.
   */
  link_void: {
    status: 422,
    title: "The link no longer works; use the newest one or ask for another",
  },
  /**
   * The operator's password policy refuses the new password, for example because it is too short or
   * well known. `reason` names the rule.
   */
  unacceptable_password: { status: 422, title: "This password cannot be used" },
  /** The password of the signed-in user is not the one that was sent. */
  wrong_password: { status: 422, title: "The current password is wrong" },
  /** The operator does not let users set up second factors. */
  factors_off: { status: 403, title: "Second factors cannot be set up on this server" },
  /** The account, the challenge or the server does not offer this kind of second factor. */
  factor_unavailable: { status: 409, title: "This second factor cannot be used here" },
  /** Recovery codes need a second factor that they can replace. Set one up first. */
  no_factor: { status: 409, title: "This account has no second factor" },
  /** Remove an authenticator app or a passkey before adding another one. */
  too_many_factors: {
    status: 409,
    title: "This account has the highest number of second factors of this kind",
  },
  /** The user could no longer sign in if it were removed. Add another way to sign in first. */
  last_credential: { status: 409, title: "This is the account's last way to sign in" },
  /** Nothing can be mailed to an account without an e-mail address. */
  no_address: { status: 409, title: "This account has no e-mail address" },
  /** Make another user a superuser first, because the server needs at least one. */
  last_superuser: { status: 409, title: "The last active superuser cannot be disabled or deleted" },
  /** The code or link in the mail is no longer valid, so sending it again would not help. */
  mail_expired: {
    status: 409,
    title: "The code or link in this mail has expired; the user must ask for a new one",
  },
  /** The signature is missing, wrong, more than five minutes old, or was used before. */
  invalid_signature: {
    status: 401,
    title: "The signature of this report is wrong, used or too old",
  },
  /** The setup link works once, and only while the server has no superuser. */
  setup_closed: { status: 403, title: "The setup link is wrong, used or expired" },
} as const satisfies Record<string, Failure>;

/** The facts that all occurrences of a failure code share. */
export interface Failure {
  /** The HTTP status of the response. */
  readonly status: number;
  /** One English sentence for developers. Translate by code, not by title. */
  readonly title: string;
}

/** A code in {@link failures}. */
export type FailureCode = keyof typeof failures;

/**
 * Why a session has ended. The reason is in the member `cause` of `session_ended` and
 * `invalid_refresh_token`, in the audit log and in the list of revocations. Values are only ever
 * added, so show a general message for a value that you do not know.
 *
 * - `logout`: the user logged out on this device.
 * - `logout_other_device`: the user ended this session from another device.
 * - `logout_everywhere`: the user logged out on every device.
 * - `password_changed`, `password_reset`: the user set a new password on another device.
 * - `refresh_reused`: an old refresh token was used again, so it may have been stolen.
 * - `refresh_ahead`: a refresh token was used that the server does not remember having issued, for
 *   example after a restored backup.
 * - `idle`: the session was not used for too long.
 * - `expired`: the session reached its greatest age.
 * - `user_disabled`, `user_deleted`: the account was disabled or deleted.
 * - `admin`: a superuser or the operator ended the session.
 * - `session_limit`: the user signed in on more devices than the operator allows.
 * - `restored`: the operator restored a backup.
 * - `key_removed`: the operator removed the signing key of the tokens.
 * - `email_change_undone`: a change of the e-mail address was undone from the old address.
 * - `step_up`: the session goes on under a new id after a step-up.
 * - `factor_changed`: the user changed a second factor and ended all other sessions.
 * - `factors_reset`: a superuser removed the second factors of the user.
 *
 * @example
 * ```ts
 * import { endCauses } from "@portcullis/contract";
 *
 * const isKnown = (cause: string) => endCauses.some((known) => known === cause);
 * console.log(isKnown("password_reset")); // true
 * ```
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

/** One of the reasons in {@link endCauses}. */
export type EndCause = (typeof endCauses)[number];
