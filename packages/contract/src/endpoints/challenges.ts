import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import {
  begun,
  challengeId,
  challengeSecret,
  codeProof,
  newPasskeyProof,
  passkeyProof,
  prepared,
  recoveryCodesLeft,
  rememberDevice,
} from "./proofs.ts";
import {
  about,
  id,
  ipAddress,
  listOf,
  newDeviceToken,
  password,
  time,
  tokens,
  userAgent,
} from "./shapes.ts";

const ofChallenge = z.strictObject({ id: challengeId });
const ofAProof = ["invalid_code", "invalid_passkey", "rate_limited", "busy"] as const;
const ofAMail = ["no_address", "rate_limited"] as const;

const answered = { challengeSecret, rememberDevice };

const toPrepare = about(
  z.enum(["email", "passkey"]),
  "`email` mails a code. `passkey` returns options for the browser.",
  "email",
);

/**
 * Completes a sign-in with a second factor, and returns the tokens.
 *
 * - For `totp` and `recovery_codes`, send the code that the user typed.
 * - For `email`, call `prepareChallenge` first, and send the code from the mail.
 * - For `passkey`, call `prepareChallenge` first, pass its options to the browser, and send the
 *   result as `credential`.
 *
 * After `enrolInChallenge`, the first proof of the new factor also answers the challenge. Show the
 * `recoveryCodes` of the response then: they cannot be read again.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/challenges/${challengeId}`, {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ challengeSecret, factor: "totp", code: "123456" }),
 * });
 * const { accessToken, refreshToken, deviceToken } = await response.json();
 * ```
 */
export const answerChallenge = endpoint({
  name: "answerChallenge",
  method: "POST",
  path: "/v1/challenges/{id}",
  tag: "Sessions",
  summary: "Complete a sign-in with a second factor",
  description:
    "Any factor of the challenge is enough, and after a failure the user may try another one. A challenge allows five tries within five minutes and opens one session. If the user had to set up a factor, its first proof completes both.",
  access: "public",
  params: ofChallenge,
  input: z.union([
    z.strictObject({ ...answered, ...codeProof }),
    z.strictObject({ ...answered, ...passkeyProof }),
    z.strictObject({ ...answered, ...newPasskeyProof }),
  ]),
  answers: {
    201: about(
      tokens.extend({
        deviceToken: newDeviceToken,
        rememberToken: about(
          z.string().nullable(),
          "Send it with the next sign-in on this device to skip the second factor. It is `null` unless `rememberDevice` was set and the operator allows it.",
          null,
        ),
        recoveryCodesLeft,
        recoveryCodes: about(
          z.array(z.string()).nullable(),
          "The user's recovery codes if the first factor was set up just now, otherwise `null`. They are shown only here.",
          null,
        ),
      }),
      "The user is signed in.",
    ),
  },
  failures: ["invalid_challenge", ...ofAProof],
});

/**
 * Prepares a factor that the user cannot prove right away. Branch on `factor` of the response: a
 * code was mailed, or the browser can ask for the passkey.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/challenges/${challengeId}/prepare`, {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ challengeSecret, factor: "email" }),
 * });
 * const { factor } = await response.json();
 * ```
 */
export const prepareChallenge = endpoint({
  name: "prepareChallenge",
  method: "POST",
  path: "/v1/challenges/{id}/prepare",
  tag: "Sessions",
  summary: "Mail a code or begin a passkey proof to sign in",
  description:
    "A new code replaces the one before. `resendAt` tells when the next one can be requested.",
  access: "public",
  params: ofChallenge,
  input: z.strictObject({ challengeSecret, factor: toPrepare }),
  answers: { 200: prepared },
  failures: ["invalid_challenge", "factor_unavailable", ...ofAMail],
});

/**
 * Sets up the second factor that the operator requires, for a user without one. Show what the
 * response contains, and send the first code or the new passkey to `answerChallenge`.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/challenges/${challengeId}/enrol`, {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ challengeSecret, factor: "totp" }),
 * });
 * const { factor } = await response.json();
 * ```
 */
export const enrolInChallenge = endpoint({
  name: "enrolInChallenge",
  method: "POST",
  path: "/v1/challenges/{id}/enrol",
  tag: "Sessions",
  summary: "Begin to set up a required second factor to sign in",
  description:
    "Only for the factors that the challenge lists in `enrol`. The factor counts, and the session opens, once the challenge is answered with it.",
  access: "public",
  params: ofChallenge,
  input: z.strictObject({
    challengeSecret,
    factor: about(z.enum(["totp", "email", "passkey"]), "The kind of factor to set up.", "totp"),
  }),
  answers: { 200: begun },
  failures: ["invalid_challenge", "factor_unavailable", ...ofAMail],
});

/**
 * Proves the identity of a signed-in user again, after a call was refused with
 * `insufficient_user_authentication`. Replace the stored tokens with those of the response, then
 * repeat the refused call.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/step-up", {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
 *   body: JSON.stringify({ password: "seven quiet herons" }),
 * });
 * const { accessToken, refreshToken } = await response.json();
 * ```
 */
export const stepUp = endpoint({
  name: "stepUp",
  method: "POST",
  path: "/v1/step-up",
  tag: "Sessions",
  summary: "Step up: verify your identity again",
  description:
    "For calls that are refused with `insufficient_user_authentication`. A user with a second factor proves it, any other user types the password. The session goes on under a new id with the tokens of the response, and its earlier tokens stop working.",
  access: "user",
  input: z.union([
    z.strictObject({ password }),
    z.strictObject(codeProof),
    z.strictObject(passkeyProof),
  ]),
  answers: {
    200: about(tokens.extend({ recoveryCodesLeft }), "The tokens of the stepped-up session."),
  },
  failures: ["wrong_password", "second_factor_required", "session_ended", ...ofAProof],
});

/**
 * Prepares the factor for `stepUp`, as `prepareChallenge` does for a sign-in.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/step-up/prepare", {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
 *   body: JSON.stringify({ factor: "email" }),
 * });
 * const { factor } = await response.json();
 * ```
 */
export const prepareStepUp = endpoint({
  name: "prepareStepUp",
  method: "POST",
  path: "/v1/step-up/prepare",
  tag: "Sessions",
  summary: "Mail a code or begin a passkey proof to step up",
  description: "A new code replaces the one before.",
  access: "user",
  input: z.strictObject({ factor: toPrepare }),
  answers: { 200: prepared },
  failures: ["session_ended", "factor_unavailable", ...ofAMail],
});

const rememberedDeviceId = id(
  "The id of the remembered device.",
  "019ad7c8-13d5-7a2f-b6e9-8d0f4c7a5e31",
);

/**
 * Lists the devices on which the user chose to skip the second factor.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/remembered-devices", {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { items } = await response.json();
 * ```
 */
export const listRememberedDevices = endpoint({
  name: "listRememberedDevices",
  method: "GET",
  path: "/v1/me/remembered-devices",
  tag: "Own account",
  summary: "List the devices that skip the second factor",
  description: "The devices on which the user chose `rememberDevice`.",
  access: "user",
  answers: {
    200: listOf(
      z.strictObject({
        id: rememberedDeviceId,
        createdAt: time("When the user chose to remember the device."),
        lastUsedAt: time("When the device last signed in without the second factor."),
        expiresAt: time("When the second factor is asked for again."),
        address: ipAddress,
        userAgent,
      }),
      "The remembered devices.",
    ),
  },
  failures: [],
});

/**
 * Asks for the second factor on a device again, for example because it was sold.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/me/remembered-devices/${device.id}`, {
 *   method: "DELETE",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const forgetRememberedDevice = endpoint({
  name: "forgetRememberedDevice",
  method: "DELETE",
  path: "/v1/me/remembered-devices/{id}",
  tag: "Own account",
  summary: "Ask for the second factor on a device again",
  description: "The response is also 204 if the user has no such device.",
  access: "user",
  params: z.strictObject({ id: rememberedDeviceId }),
  answers: { 204: null },
  failures: [],
});
