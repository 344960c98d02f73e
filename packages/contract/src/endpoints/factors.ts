import { z } from "zod";
import { endpoint, stepUps } from "../endpoint.ts";
import {
  attestation,
  ceremonyId,
  creationOptions,
  endOtherSessions,
  enrolled,
  enrolledAt,
  factorName,
  factorNames,
  firstCode,
  newTotp,
  passkey,
  passkeyId,
  passkeyProof,
  requestOptions,
  recoveryCodesExample,
  totpId,
} from "./proofs.ts";
import {
  about,
  count,
  deviceToken,
  endOtherSessionsInQuery,
  pageOf,
  pageQuery,
  signedIn,
  time,
  timeOrNull,
  userId,
} from "./shapes.ts";

const shared = { tag: "Second factors", access: "user" } as const;

const onRemoval = z.strictObject({ endOtherSessions: endOtherSessionsInQuery });

const raised =
  "The factor counts from now on. The session goes on under a new id with the tokens of the response, and its earlier tokens stop working. The age of the user's last proof does not change.";
const ofEnrolment = [
  "session_ended",
  "factors_off",
  "insufficient_user_authentication",
  "busy",
] as const;
const ofRemoval = [
  "not_found",
  "session_ended",
  "factor_required",
  "last_credential",
  "insufficient_user_authentication",
] as const;

/**
 * Returns everything that a page with the user's second factors shows.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/factors", {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { required, totp, passkeys } = await response.json();
 * ```
 */
export const getFactors = endpoint({
  ...shared,
  name: "getFactors",
  method: "GET",
  path: "/v1/me/factors",
  summary: "List the own second factors",
  description: "All factors that the user has set up, and whether one is required.",
  answers: {
    200: about(
      z.strictObject({
        required: about(z.boolean(), "Whether this user must have a second factor.", false),
        totp: about(
          z.array(z.strictObject({ id: totpId, name: factorName, createdAt: enrolledAt })),
          "Authenticator apps.",
        ),
        passkeys: about(z.array(passkey), "Passkeys."),
        email: about(
          z.strictObject({ createdAt: enrolledAt }).nullable(),
          "Codes by mail, or `null` if they are not set up.",
          null,
        ),
        recoveryCodes: about(
          z
            .strictObject({
              left: count("How many codes are unused.", 8),
              createdAt: time("When the codes were made."),
              few: about(
                z.boolean(),
                "Whether so few are left that the user should make new ones.",
                false,
              ),
            })
            .nullable(),
          "The state of the recovery codes, or `null` if the user has none.",
          { left: 8, createdAt: 1_796_083_200, few: false },
        ),
      }),
      "The user's second factors.",
    ),
  },
  failures: ["session_ended"],
});

/**
 * Begins to set up an authenticator app. Show the QR code and, for users who cannot scan it, the
 * secret. Then send the first code that the app shows to `confirmTotp`.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/factors/totp", {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
 *   body: JSON.stringify({ name: "Phone" }),
 * });
 * const { factor, id, secret } = await response.json();
 * ```
 */
export const startTotp = endpoint({
  ...shared,
  name: "startTotp",
  method: "POST",
  path: "/v1/me/factors/totp",
  summary: "Begin to set up an authenticator app",
  description:
    "The app uses SHA-1, six digits and periods of 30 seconds (RFC 6238). It counts as a factor once it is confirmed with its first code.",
  stepUp: stepUps.freshProof,
  input: z.strictObject({ name: factorName.optional() }),
  answers: { 201: newTotp },
  failures: [...ofEnrolment, "too_many_factors"],
});

/**
 * Completes the setup of an authenticator app. Replace the stored tokens with those of the
 * response, and show `recoveryCodes` if there are any: they cannot be read again.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/me/factors/totp/${app.id}/confirm`, {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
 *   body: JSON.stringify({ code: "123456" }),
 * });
 * const { id, tokens, recoveryCodes } = await response.json();
 * ```
 */
export const confirmTotp = endpoint({
  ...shared,
  name: "confirmTotp",
  method: "POST",
  path: "/v1/me/factors/totp/{id}/confirm",
  summary: "Confirm an authenticator app with its first code",
  description: raised,
  stepUp: stepUps.freshProof,
  params: z.strictObject({ id: totpId }),
  input: firstCode,
  answers: { 200: enrolled },
  failures: [...ofEnrolment, "not_found", "invalid_code", "rate_limited"],
});

/**
 * Removes an authenticator app, for example after the user has moved to a new phone.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/me/factors/totp/${app.id}`, {
 *   method: "DELETE",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const removeTotp = endpoint({
  ...shared,
  name: "removeTotp",
  method: "DELETE",
  path: "/v1/me/factors/totp/{id}",
  summary: "Remove an authenticator app",
  description: "A user who must have a second factor cannot remove the last one.",
  stepUp: stepUps.freshProof,
  params: z.strictObject({ id: totpId }),
  query: onRemoval,
  answers: { 204: null },
  failures: ofRemoval,
});

/**
 * Makes new recovery codes after some were used or lost. Show them once, with a way to print or
 * store them: the server keeps only hashes.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/factors/recovery-codes", {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { recoveryCodes } = await response.json();
 * ```
 */
export const makeRecoveryCodes = endpoint({
  ...shared,
  name: "makeRecoveryCodes",
  method: "POST",
  path: "/v1/me/factors/recovery-codes",
  summary: "Make ten new recovery codes",
  description: "They replace all earlier ones, and are shown only here.",
  stepUp: stepUps.freshProof,
  answers: {
    201: about(
      z.strictObject({
        recoveryCodes: about(
          z.array(z.string()),
          "Ten codes. Each works once.",
          recoveryCodesExample,
        ),
      }),
      "The new codes.",
    ),
  },
  failures: [...ofEnrolment, "no_factor"],
});

/**
 * Begins to use mailed codes as a second factor. Send the first code to `confirmEmailCodes`.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/factors/email", {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { expiresAt, resendAt } = await response.json();
 * ```
 */
export const startEmailCodes = endpoint({
  ...shared,
  name: "startEmailCodes",
  method: "POST",
  path: "/v1/me/factors/email",
  summary: "Begin to set up mailed codes as a second factor",
  description:
    "A first code is mailed, and the factor counts once that code is confirmed. It is the weakest factor: an attacker who reads the mailbox can also reset the password there.",
  stepUp: stepUps.freshProof,
  answers: {
    202: about(
      z.strictObject({
        expiresAt: time("When the mailed code expires."),
        resendAt: time("When a new code can be requested at the earliest."),
      }),
      "The first code will be mailed.",
    ),
  },
  failures: [...ofEnrolment, "no_address", "factor_unavailable", "rate_limited"],
});

/**
 * Completes the setup of mailed codes. Replace the stored tokens with those of the response, and
 * show `recoveryCodes` if there are any.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/factors/email/confirm", {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
 *   body: JSON.stringify({ code: "123456" }),
 * });
 * const { tokens, recoveryCodes } = await response.json();
 * ```
 */
export const confirmEmailCodes = endpoint({
  ...shared,
  name: "confirmEmailCodes",
  method: "POST",
  path: "/v1/me/factors/email/confirm",
  summary: "Confirm mailed codes with the first one",
  description: raised,
  stepUp: stepUps.freshProof,
  input: firstCode,
  answers: { 200: about(enrolled.omit({ id: true }), "The factor is set up.") },
  failures: [...ofEnrolment, "invalid_code", "rate_limited"],
});

/**
 * Stops mailed codes from being a second factor. Other mail is not affected.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/factors/email", {
 *   method: "DELETE",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const removeEmailCodes = endpoint({
  ...shared,
  name: "removeEmailCodes",
  method: "DELETE",
  path: "/v1/me/factors/email",
  summary: "Remove mailed codes as a second factor",
  description: "A user who must have a second factor cannot remove the last one.",
  stepUp: stepUps.freshProof,
  query: onRemoval,
  answers: { 204: null },
  failures: ofRemoval,
});

/**
 * Begins to register a passkey. Pass the options to the browser and send its result to
 * `addPasskey`.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/factors/passkeys/start", {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { ceremonyId, options } = await response.json();
 * const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
 * const created = await navigator.credentials.create({ publicKey });
 * const body = JSON.stringify({ ceremonyId, credential: created.toJSON(), name: "Laptop" });
 * ```
 */
export const startPasskey = endpoint({
  ...shared,
  name: "startPasskey",
  method: "POST",
  path: "/v1/me/factors/passkeys/start",
  summary: "Begin to register a passkey",
  description: "The response has the options for `navigator.credentials.create`.",
  stepUp: stepUps.freshProof,
  answers: {
    201: about(
      z.strictObject({
        ceremonyId,
        options: creationOptions,
        expiresAt: time("When the ceremony expires."),
      }),
      "The browser can create the passkey.",
    ),
  },
  failures: [...ofEnrolment, "too_many_factors"],
});

/**
 * Completes the registration of a passkey. Replace the stored tokens with those of the response,
 * and show `recoveryCodes` if there are any.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/factors/passkeys", {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
 *   body: JSON.stringify({ ceremonyId, credential: credential.toJSON(), name: "Phone" }),
 * });
 * const { id, tokens, recoveryCodes } = await response.json();
 * ```
 */
export const addPasskey = endpoint({
  ...shared,
  name: "addPasskey",
  method: "POST",
  path: "/v1/me/factors/passkeys",
  summary: "Register a passkey",
  description: raised,
  stepUp: stepUps.freshProof,
  input: z.strictObject({
    ceremonyId,
    credential: attestation,
    name: factorName.optional(),
    endOtherSessions,
  }),
  answers: { 201: enrolled },
  failures: [...ofEnrolment, "invalid_passkey"],
});

/**
 * Gives a passkey another name in the user's list.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/me/factors/passkeys/${passkey.id}`, {
 *   method: "PATCH",
 *   headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
 *   body: JSON.stringify({ name: "Phone" }),
 * });
 * const { id, name, createdAt } = await response.json();
 * ```
 */
export const renamePasskey = endpoint({
  ...shared,
  name: "renamePasskey",
  method: "PATCH",
  path: "/v1/me/factors/passkeys/{id}",
  summary: "Rename a passkey",
  description: "Only the name in the user's list changes.",
  stepUp: stepUps.freshProof,
  params: z.strictObject({ id: passkeyId }),
  input: z.strictObject({ name: factorName }),
  answers: { 200: passkey },
  failures: ["not_found"],
});

/**
 * Removes a passkey. Tell the user to delete it from the device or password manager as well.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/me/factors/passkeys/${passkey.id}`, {
 *   method: "DELETE",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const removePasskey = endpoint({
  ...shared,
  name: "removePasskey",
  method: "DELETE",
  path: "/v1/me/factors/passkeys/{id}",
  summary: "Remove a passkey",
  description:
    "The passkey can no longer sign in. A user who must have a second factor cannot remove the last one.",
  stepUp: stepUps.freshProof,
  params: z.strictObject({ id: passkeyId }),
  query: onRemoval,
  answers: { 204: null },
  failures: ofRemoval,
});

/**
 * Removes the password of a user who wants to sign in by passkey only.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/password", {
 *   method: "DELETE",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const removePassword = endpoint({
  ...shared,
  name: "removePassword",
  method: "DELETE",
  path: "/v1/me/password",
  summary: "Remove the password and sign in by passkey only",
  description:
    "The user needs a passkey that counts as two factors. A new password can be set at any time with the mail for a forgotten one.",
  stepUp: stepUps.freshProof,
  answers: { 204: null },
  failures: ["session_ended", "last_credential", "insufficient_user_authentication"],
});

/**
 * Begins a sign-in without a password. Pass the options to the browser and send its result to
 * `signInWithPasskey`.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/sessions/passkey/start", {
 *   method: "POST",
 * });
 * const { ceremonyId, options } = await response.json();
 * const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
 * const found = await navigator.credentials.get({ publicKey });
 * const body = JSON.stringify({ ceremonyId, credential: found.toJSON() });
 * ```
 */
export const startPasskeySignIn = endpoint({
  name: "startPasskeySignIn",
  method: "POST",
  path: "/v1/sessions/passkey/start",
  tag: "Sessions",
  summary: "Begin to sign in with a passkey only",
  description:
    "For a passkey that knows its user and asks for a PIN or biometrics. It counts as two factors.",
  access: "public",
  answers: {
    201: about(
      z.strictObject({
        ceremonyId,
        options: requestOptions,
        expiresAt: time("When the ceremony expires."),
      }),
      "The browser can ask for the passkey.",
    ),
  },
  failures: [],
});

/**
 * Signs in with the passkey that the user chose in the browser. No second factor is asked for.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/sessions/passkey", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ ceremonyId, credential: credential.toJSON() }),
 * });
 * const { accessToken, refreshToken, deviceToken } = await response.json();
 * ```
 */
export const signInWithPasskey = endpoint({
  name: "signInWithPasskey",
  method: "POST",
  path: "/v1/sessions/passkey",
  tag: "Sessions",
  summary: "Sign in with a passkey only",
  description:
    "The refusal is the same for an unknown passkey, a wrong signature, a disabled account and an unconfirmed address.",
  access: "public",
  budget: "credential",
  input: z.strictObject({
    ceremonyId,
    credential: passkeyProof.credential,
    deviceToken: deviceToken.optional(),
  }),
  answers: { 201: signedIn },
  failures: ["invalid_passkey"],
});

const ofUser = {
  tag: "Administration",
  access: "superuser",
  params: z.strictObject({ id: userId }),
} as const;

/**
 * Tells a superuser which factors a user has, for example before a reset.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/admin/users/${user.id}/factors`, {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { factors, required } = await response.json();
 * ```
 */
export const adminGetFactors = endpoint({
  ...ofUser,
  name: "adminGetFactors",
  method: "GET",
  path: "/v1/admin/users/{id}/factors",
  summary: "List the second factors of a user",
  description: "Only the kinds of factors, not their names.",
  answers: {
    200: about(
      z.strictObject({
        factors: about(z.array(z.string()), "The kinds of factors that the user has.", [
          factorNames[0],
        ]),
        required: about(z.boolean(), "Whether this user must have a second factor.", false),
      }),
      "The user's second factors.",
    ),
  },
  failures: ["not_found"],
});

/**
 * Helps a user after the loss of all second factors. Make sure by other means that the request
 * comes from the user, because afterwards the password is enough to sign in.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/admin/users/${user.id}/factors/reset`, {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const adminResetFactors = endpoint({
  ...ofUser,
  name: "adminResetFactors",
  method: "POST",
  path: "/v1/admin/users/{id}/factors/reset",
  summary: "Remove all second factors of a user",
  description:
    "This is for users who lost them. The user's sessions end, and the user is told by mail. A user who must have a second factor sets one up at the next sign-in.",
  stepUp: stepUps.adminAct,
  answers: { 204: null },
  failures: ["not_found", "last_credential"],
});

/**
 * Tells how many users a stricter policy would affect, before the operator sets it.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/admin/mfa-report?policy=required", {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { items, without } = await response.json();
 * ```
 */
export const adminMfaReport = endpoint({
  tag: "Administration",
  access: "superuser",
  name: "adminMfaReport",
  method: "GET",
  path: "/v1/admin/mfa-report",
  summary: "List users without a required second factor",
  description:
    "Read it before a policy is switched on. The users are in the order in which they registered.",
  query: z.strictObject({
    policy: about(
      z.enum(["superusers", "required"]).optional(),
      "The policy to report on. The default is the present one.",
    ),
    ...pageQuery,
  }),
  answers: {
    200: pageOf(
      z.strictObject({
        id: userId,
        email: about(
          z.string().nullable(),
          "The e-mail address, or `null` if the account has none.",
          "anna@example.com",
        ),
        username: about(
          z.string().nullable(),
          "The username, or `null` if the account has none.",
          "anna",
        ),
        superuser: about(z.boolean(), "Whether the user is a superuser.", true),
        lastLoginAt: timeOrNull("When the user last signed in, or `null` if they never did."),
      }),
      "A page of users without a second factor, and the totals.",
    ).extend({
      policy: about(z.string(), "The policy that the report is about.", "superusers"),
      concerned: count("How many active users the policy requires a second factor of.", 3),
      without: count("How many of them have none. The items list these.", 1),
      withoutRecoveryCodes: count(
        "How many of them have one but no recovery codes. If they lose it, only the operator can help.",
        1,
      ),
    }),
  },
  failures: ["invalid_input"],
});
