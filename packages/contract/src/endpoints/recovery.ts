import { z } from "zod";
import { endpoint, stepUps } from "../endpoint.ts";
import {
  about,
  account,
  email,
  id,
  linkAndPassword,
  linkToken,
  mailedCode,
  newPassword,
  passwordAgain,
  time,
  userId,
  username,
} from "./shapes.ts";

const ofACode = ["invalid_code", "code_expired", "code_exhausted"] as const;
const ofALink = ["invalid_link", "link_used", "link_expired", "link_void"] as const;
const ofAPassword = ["wrong_password", "rate_limited", "busy"] as const;

const resetId = id("The id of the reset.", "019ad7c6-4f17-7b9e-a3d5-0c8e2b6f1a94");
const changeId = id("The id of the change.", "019ad7c7-71c2-7e60-95fb-d4a8b1c3e067");
const codeExpiry = time("When the mailed code expires.");

/**
 * Begins to recover an account whose password is forgotten. Show a field for the code and one for
 * the new password, and call `confirmPasswordReset`. Say "if there is such an account, a mail is on
 * its way": the response does not tell whether there is one.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/password-resets", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ email: "anna@example.com" }),
 * });
 * const { resetId, expiresAt } = await response.json();
 * ```
 */
export const startPasswordReset = endpoint({
  name: "startPasswordReset",
  method: "POST",
  path: "/v1/password-resets",
  tag: "Recovery",
  summary: "Mail a code and a link to reset a forgotten password",
  description:
    "The response is always 202, so that it does not reveal whether the address has an account. If it has none, no mail leaves.",
  access: "public",
  budget: "mail",
  input: z.strictObject({ email }),
  answers: {
    202: about(
      z.strictObject({ resetId, expiresAt: codeExpiry }),
      "If the address has an account, a mail will be sent to it.",
    ),
  },
  failures: ["invalid_input"],
});

/**
 * Sets a new password, with either the code that the user typed or the token of the mailed link.
 * Send the user to the sign-in page afterwards. A second factor is still asked for there.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/password-resets/confirm", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ resetId, code: "12345678", newPassword: "nine grey geese fly" }),
 * });
 * console.log(response.status); // 204
 * ```
 */
export const confirmPasswordReset = endpoint({
  name: "confirmPasswordReset",
  method: "POST",
  path: "/v1/password-resets/confirm",
  tag: "Recovery",
  summary: "Set a new password with the mailed code or link",
  description: "All sessions of the user end, and the call does not sign in.",
  access: "public",
  budget: "credential",
  input: z.union([
    z.strictObject({ resetId, code: mailedCode, newPassword }),
    z.strictObject({ token: linkToken, newPassword }),
  ]),
  answers: { 204: null },
  failures: [...ofACode, ...ofALink, "unacceptable_password", "busy"],
});

/**
 * Helps a user with a lost password. The superuser never learns the code or the password.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/admin/users/${user.id}/password-reset`, {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 202
 * ```
 */
export const adminStartPasswordReset = endpoint({
  name: "adminStartPasswordReset",
  method: "POST",
  path: "/v1/admin/users/{id}/password-reset",
  stepUp: stepUps.adminAct,
  tag: "Administration",
  access: "superuser",
  summary: "Mail a user a code and a link to set a new password",
  description: "Only the user sees the code and the link, and only the user chooses the password.",
  params: z.strictObject({ id: userId }),
  answers: { 202: null },
  failures: ["not_found", "no_address"],
});

/**
 * Begins to change the e-mail address, or to confirm the present one if it is unconfirmed. Show a
 * field for the code and call `confirmEmailChange`.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/email", {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
 *   body: JSON.stringify({ newEmail: "anna@example.com", password: "seven quiet herons" }),
 * });
 * const { changeId, expiresAt } = await response.json();
 * ```
 */
export const changeEmail = endpoint({
  name: "changeEmail",
  method: "POST",
  path: "/v1/me/email",
  tag: "Own account",
  summary: "Change or confirm the own e-mail address",
  description:
    "A code and a link are mailed to the new address, and nothing changes until one of them comes back. The response is always 202, so that it does not reveal whether another account has the address. A new change replaces an earlier one that is not confirmed.",
  access: "user",
  budget: "mail",
  stepUp: stepUps.recentFactor,
  input: z.strictObject({ newEmail: email, password: passwordAgain.optional() }),
  answers: {
    202: about(
      z.strictObject({ changeId, expiresAt: codeExpiry }),
      "A code and a link will be mailed to the new address.",
    ),
  },
  failures: ["invalid_input", "session_ended", ...ofAPassword],
});

/**
 * Completes the change with the code that the user typed. Show the new address from the response,
 * and tell the user that the old address got a mail with which the change can be undone.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/email/confirm", {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
 *   body: JSON.stringify({ changeId, code: "12345678" }),
 * });
 * const { id, email } = await response.json();
 * ```
 */
export const confirmEmailChange = endpoint({
  name: "confirmEmailChange",
  method: "POST",
  path: "/v1/me/email/confirm",
  tag: "Own account",
  summary: "Confirm the new e-mail address with the mailed code",
  description: "The old address gets a mail with which the change can be undone for three days.",
  access: "user",
  budget: "credential",
  input: z.strictObject({ changeId, code: mailedCode }),
  answers: { 200: account },
  failures: [...ofACode, "code_used", "email_taken", "session_ended"],
});

/**
 * Completes the change from the page that the mailed link opens. Portcullis has such a page, so a
 * front end needs this call only if it shows a page of its own.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/email-changes/confirm", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ token, password: "seven quiet herons" }),
 * });
 * console.log(response.status); // 204
 * ```
 */
export const confirmEmailChangeByLink = endpoint({
  name: "confirmEmailChangeByLink",
  method: "POST",
  path: "/v1/email-changes/confirm",
  tag: "Own account",
  summary: "Confirm the new e-mail address with the mailed link",
  description:
    "The page behind the mailed link sends this. The link proves that the user can read the mail, and the password proves that the account belongs to the user.",
  access: "public",
  budget: "credential",
  input: linkAndPassword,
  answers: { 204: null },
  failures: [...ofALink, ...ofAPassword, "email_taken"],
});

/**
 * Takes the account back for a user whose address was changed by someone else. Portcullis has a
 * page that makes this call; the mail to the old address links to it.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/email-changes/undo", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ token }),
 * });
 * console.log(response.status); // 204
 * ```
 */
export const undoEmailChange = endpoint({
  name: "undoEmailChange",
  method: "POST",
  path: "/v1/email-changes/undo",
  tag: "Recovery",
  summary: "Undo a change of the e-mail address",
  description:
    "The link in the mail to the old address works for three days. The account gets its old address back, all its sessions end, its password is removed, and a mail to set a new one goes to the old address.",
  access: "public",
  budget: "credential",
  input: z.strictObject({ token: linkToken }),
  answers: { 204: null },
  failures: [...ofALink, "email_taken"],
});

/**
 * Changes the name that the user can sign in with instead of the address.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/username", {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
 *   body: JSON.stringify({ username: "anna", password: "seven quiet herons" }),
 * });
 * const { username } = await response.json();
 * ```
 */
export const changeUsername = endpoint({
  name: "changeUsername",
  method: "POST",
  path: "/v1/me/username",
  tag: "Own account",
  summary: "Set, change or remove the own username",
  description: "An account without an e-mail address must keep a username.",
  access: "user",
  stepUp: stepUps.recentFactor,
  input: z.strictObject({
    username: about(username.nullable(), "The new username, or `null` to remove it.", "anna"),
    password: passwordAgain.optional(),
  }),
  answers: { 200: account },
  failures: ["invalid_input", "session_ended", "username_taken", "no_address", ...ofAPassword],
});
