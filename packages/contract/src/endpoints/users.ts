import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import {
  about,
  account,
  begunRegistration,
  CLIENT_SECRET,
  email,
  linkAndPassword,
  locale,
  mailedCode,
  newPassword,
  profile,
  registrationId,
  time,
  username,
} from "./shapes.ts";

const codeExpiry = time("When the mailed code expires. The link is valid for a day.");

/**
 * Creates an account, or begins to. What happens depends on the operator's setting:
 *
 * - `confirm` (the default): the server answers 202, mails a code and a link, and creates the
 *   account when one of them comes back. Keep `registrationId` and `clientSecret`, show a field for
 *   the code, and call `confirmUser`. The response is the same if the address already has an
 *   account. In that case its owner gets a mail that says so.
 * - `immediate`: the server answers 201, and the account exists with an unconfirmed address.
 * - `closed`: the server refuses the call with `registration_closed`.
 *
 * Registration does not sign in. Call `signIn` afterwards.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/users", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({
 *     email: "anna@example.com",
 *     password: "nine grey geese fly",
 *     locale: "de",
 *   }),
 * });
 * const { registrationId, clientSecret } = await response.json(); // If the status is 202
 * ```
 */
export const registerUser = endpoint({
  name: "registerUser",
  method: "POST",
  path: "/v1/users",
  tag: "Registration",
  summary: "Register a new user",
  description:
    "If the operator has users confirm their address, the response is always 202, so that it does not reveal whether the address has an account. Keep `registrationId` and `clientSecret`: together with the mailed code they complete the registration. If the operator lets users register at once, the response is 201 with the account. Neither signs the user in.",
  access: "public",
  budget: "registration",
  input: z.strictObject({
    email,
    username: username.optional(),
    password: newPassword,
    profile: profile.optional(),
    locale: locale.optional(),
  }),
  answers: {
    201: account,
    202: about(
      z.strictObject({
        registrationId,
        clientSecret: about(
          z.string(),
          "Keep it until the registration is complete. It shows that you began it.",
          CLIENT_SECRET,
        ),
        expiresAt: codeExpiry,
      }),
      "A code and a link have been mailed to the address.",
    ),
  },
  failures: [
    "invalid_input",
    "registration_closed",
    "unacceptable_password",
    "email_taken",
    "username_taken",
    "busy",
  ],
});

/**
 * Completes a registration with the code that the user typed. After five wrong codes the call is
 * refused with `code_exhausted`; offer to send a new one with `resendRegistration`.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/users/confirm", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ registrationId, clientSecret, code: "12345678" }),
 * });
 * const { id, email } = await response.json();
 * ```
 */
export const confirmUser = endpoint({
  name: "confirmUser",
  method: "POST",
  path: "/v1/users/confirm",
  tag: "Registration",
  summary: "Confirm a registration with the mailed code",
  description:
    "The account is created with a confirmed address. The user is not signed in yet. If the username was taken by another user in the meantime, register again with another one.",
  access: "public",
  budget: "credential",
  input: begunRegistration.extend({ code: mailedCode }),
  answers: { 201: account },
  failures: [
    "invalid_code",
    "code_expired",
    "code_used",
    "code_exhausted",
    "username_taken",
    "registration_closed",
  ],
});

/**
 * Completes a registration from the page that the mailed link opens. Portcullis has such a page, so
 * a front end needs this call only if it shows a page of its own.
 *
 * The call asks for the password because a link only proves who reads the mail. Without it, anyone
 * could register somebody else's address with a password of their own and wait for the click.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/users/confirm/link", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ token, password: "seven quiet herons" }),
 * });
 * const { id, email } = await response.json();
 * ```
 */
export const confirmUserByLink = endpoint({
  name: "confirmUserByLink",
  method: "POST",
  path: "/v1/users/confirm/link",
  tag: "Registration",
  summary: "Confirm a registration with the mailed link",
  description:
    "The page behind the mailed link sends this. The link only proves that the user can read the mail, so the user also types the password that was chosen at registration. The call does not sign in. The client that began the registration learns the result from `getRegistration`.",
  access: "public",
  budget: "credential",
  input: linkAndPassword,
  answers: { 201: account },
  failures: [
    "invalid_link",
    "link_used",
    "link_expired",
    "link_void",
    "wrong_password",
    "username_taken",
    "registration_closed",
    "busy",
  ],
});

/**
 * Sends the mail again if it was lost. The code of the earlier mail stops working.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/users/confirm/resend", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ registrationId, clientSecret }),
 * });
 * const { expiresAt } = await response.json();
 * ```
 */
export const resendRegistration = endpoint({
  name: "resendRegistration",
  method: "POST",
  path: "/v1/users/confirm/resend",
  tag: "Registration",
  summary: "Send a new confirmation code and link",
  description:
    "The code and link of earlier mails stop working. At most five mails an hour go to one address; after that the response is the same, no mail leaves, and the last code stays valid.",
  access: "public",
  budget: "mail",
  input: begunRegistration,
  answers: {
    202: about(z.strictObject({ expiresAt: codeExpiry }), "The mail will be sent."),
  },
  failures: ["not_found", "registration_closed"],
});

/**
 * Lets the client that began a registration find out whether the user has clicked the link. Poll it
 * every few seconds while the field for the code is shown.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/users/confirm/status", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ registrationId, clientSecret }),
 * });
 * const { state } = await response.json();
 * ```
 */
export const getRegistration = endpoint({
  name: "getRegistration",
  method: "POST",
  path: "/v1/users/confirm/status",
  tag: "Registration",
  summary: "Ask whether a registration is confirmed",
  description:
    "For the client that began the registration. It uses POST so that the secret is in no URL.",
  access: "public",
  input: begunRegistration,
  answers: {
    200: about(
      z.strictObject({
        state: about(
          z.enum(["pending", "confirmed"]),
          "`pending` until the code or the link has come back.",
          "confirmed",
        ),
      }),
      "The state of the registration.",
    ),
  },
  failures: ["not_found"],
});

/**
 * Creates the first superuser of a new server. The server prints the setup link when it starts; the
 * page behind it makes this call.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/setup", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({
 *     setupToken,
 *     email: "anna@example.com",
 *     password: "nine grey geese fly",
 *   }),
 * });
 * const { id } = await response.json();
 * ```
 */
export const setUp = endpoint({
  name: "setUp",
  method: "POST",
  path: "/v1/setup",
  tag: "Registration",
  summary: "Create the first superuser with the setup link",
  description: "The link works once within an hour, and only while the server has no superuser.",
  access: "public",
  budget: "credential",
  input: z.strictObject({
    setupToken: about(
      z.string().min(20).max(128),
      "Everything after the `#` in the setup link.",
      CLIENT_SECRET,
    ),
    email,
    password: newPassword,
  }),
  answers: { 201: account },
  failures: ["invalid_input", "setup_closed", "unacceptable_password", "email_taken", "busy"],
});
