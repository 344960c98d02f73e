import { z } from "zod";
import { unixSeconds } from "../claims.ts";
import { adminAct, endpoint, type StepUp } from "../endpoint.ts";
import { attestation, creationOptions, newTotp, passkeyProof, requestOptions } from "./proofs.ts";
import { deviceToken, id, pageOf, pageQuery, tokens } from "./shapes.ts";

const shared = { tag: "Second factors", access: "user" } as const;
const fresh = { when: "always", maxAgeSeconds: 300 } as const satisfies StepUp;
const ofFactor = z.strictObject({ id });
const name = z
  .string()
  .min(1)
  .max(64)
  // Nothing that a column cannot hold, or that makes a line read otherwise than it is written.
  .regex(/^[^\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]+$/u)
  .meta({ description: "What its owner calls it", examples: ["Phone"] });

/** ASVS 7.4.3: whoever changes a factor may end every other session with it. */
const endOtherSessions = z
  .boolean()
  .optional()
  .meta({ description: "Whether every other session of the account ends now" });
const onRemoval = z.strictObject({
  endOtherSessions: z
    .enum(["true", "false"])
    .default("false")
    .transform((text) => text === "true")
    .meta({ description: "Whether every other session of the account ends now" }),
});

const passkey = z.strictObject({
  id,
  name,
  createdAt: unixSeconds,
  lastUsedAt: unixSeconds.nullable(),
  synced: z.boolean().meta({ description: "Whether its provider may copy it to other devices" }),
  suspectSince: unixSeconds
    .nullable()
    .meta({ description: "When its counter went back, as that of a copy would" }),
});

/**
 * The session goes on under a new id, on the strength of the new factor; `recoveryCodes` are made
 * with the first factor, and shown this once.
 */
const enrolled = z.strictObject({ id, tokens, recoveryCodes: z.array(z.string()).nullable() });

const raised =
  "It counts from now on. The session goes on under a new id with the tokens of the answer, its earlier ones are dead; what it had proven before gets no younger.";
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

export const getFactors = endpoint({
  ...shared,
  name: "getFactors",
  method: "GET",
  path: "/v1/me/factors",
  summary: "The second factors of this account",
  answers: {
    200: z.strictObject({
      required: z.boolean().meta({ description: "Whether the operator demands one of this user" }),
      totp: z.array(z.strictObject({ id, name, createdAt: unixSeconds })),
      passkeys: z.array(passkey),
      email: z.strictObject({ createdAt: unixSeconds }).nullable(),
      recoveryCodes: z
        .strictObject({
          left: z.int(),
          createdAt: unixSeconds,
          few: z.boolean().meta({ description: "Time to make new ones" }),
        })
        .nullable(),
    }),
  },
  failures: ["session_ended"],
});

export const startTotp = endpoint({
  ...shared,
  name: "startTotp",
  method: "POST",
  path: "/v1/me/factors/totp",
  summary: "Set up an authenticator app",
  description:
    "RFC 6238: SHA-1, six digits, 30 seconds. It counts once it is confirmed with its first code.",
  stepUp: fresh,
  input: z.strictObject({ name: name.optional() }),
  answers: { 201: newTotp },
  failures: [...ofEnrolment, "too_many_factors"],
});

export const confirmTotp = endpoint({
  ...shared,
  name: "confirmTotp",
  method: "POST",
  path: "/v1/me/factors/totp/{id}/confirm",
  summary: "Confirm an authenticator app with its first code",
  description: raised,
  stepUp: fresh,
  params: ofFactor,
  input: z.strictObject({ code: z.string().min(6).max(10), endOtherSessions }),
  answers: { 200: enrolled },
  failures: [...ofEnrolment, "not_found", "invalid_code", "rate_limited"],
});

export const removeTotp = endpoint({
  ...shared,
  name: "removeTotp",
  method: "DELETE",
  path: "/v1/me/factors/totp/{id}",
  summary: "Remove an authenticator app",
  stepUp: fresh,
  params: ofFactor,
  query: onRemoval,
  answers: { 204: null },
  failures: ofRemoval,
});

export const makeRecoveryCodes = endpoint({
  ...shared,
  name: "makeRecoveryCodes",
  method: "POST",
  path: "/v1/me/factors/recovery-codes",
  summary: "Make ten new recovery codes",
  description: "They take the place of the earlier ones as a whole, and are shown this once.",
  stepUp: fresh,
  answers: { 201: z.strictObject({ recoveryCodes: z.array(z.string()) }) },
  failures: [...ofEnrolment, "no_factor"],
});

export const startEmailCodes = endpoint({
  ...shared,
  name: "startEmailCodes",
  method: "POST",
  path: "/v1/me/factors/email",
  summary: "Have codes mailed as a second factor: mail a first one",
  description:
    "The weakest factor, for whoever reads the mailbox can reset the password too. It counts once it is confirmed.",
  stepUp: fresh,
  answers: { 202: z.strictObject({ expiresAt: unixSeconds, resendAt: unixSeconds }) },
  failures: [...ofEnrolment, "no_address", "factor_unavailable", "rate_limited"],
});

export const confirmEmailCodes = endpoint({
  ...shared,
  name: "confirmEmailCodes",
  method: "POST",
  path: "/v1/me/factors/email/confirm",
  summary: "Confirm codes by mail with the first one",
  description: raised,
  stepUp: fresh,
  input: z.strictObject({ code: z.string().min(6).max(10), endOtherSessions }),
  answers: { 200: enrolled.omit({ id: true }) },
  failures: [...ofEnrolment, "invalid_code", "rate_limited"],
});

export const removeEmailCodes = endpoint({
  ...shared,
  name: "removeEmailCodes",
  method: "DELETE",
  path: "/v1/me/factors/email",
  summary: "Have no more codes mailed as a second factor",
  stepUp: fresh,
  query: onRemoval,
  answers: { 204: null },
  failures: ofRemoval,
});

export const startPasskey = endpoint({
  ...shared,
  name: "startPasskey",
  method: "POST",
  path: "/v1/me/factors/passkeys/start",
  summary: "Begin to register a passkey",
  stepUp: fresh,
  answers: {
    201: z.strictObject({ ceremonyId: id, options: creationOptions, expiresAt: unixSeconds }),
  },
  failures: [...ofEnrolment, "too_many_factors"],
});

export const addPasskey = endpoint({
  ...shared,
  name: "addPasskey",
  method: "POST",
  path: "/v1/me/factors/passkeys",
  summary: "Register the passkey",
  description: raised,
  stepUp: fresh,
  input: z.strictObject({
    ceremonyId: id,
    credential: attestation,
    name: name.optional(),
    endOtherSessions,
  }),
  answers: { 201: enrolled },
  failures: [...ofEnrolment, "invalid_passkey"],
});

export const renamePasskey = endpoint({
  ...shared,
  name: "renamePasskey",
  method: "PATCH",
  path: "/v1/me/factors/passkeys/{id}",
  summary: "Rename a passkey",
  stepUp: fresh,
  params: ofFactor,
  input: z.strictObject({ name }),
  answers: { 200: passkey },
  failures: ["not_found"],
});

export const removePasskey = endpoint({
  ...shared,
  name: "removePasskey",
  method: "DELETE",
  path: "/v1/me/factors/passkeys/{id}",
  summary: "Remove a passkey",
  description: "It signs nobody in from then on.",
  stepUp: fresh,
  params: ofFactor,
  query: onRemoval,
  answers: { 204: null },
  failures: ofRemoval,
});

export const removePassword = endpoint({
  ...shared,
  name: "removePassword",
  method: "DELETE",
  path: "/v1/me/password",
  summary: "Sign in by passkey alone from now on",
  description:
    "Needs a passkey that can stand for two factors. A forgotten-password mail can set a new password at any time.",
  stepUp: fresh,
  answers: { 204: null },
  failures: ["session_ended", "last_credential", "insufficient_user_authentication"],
});

export const startPasskeySignIn = endpoint({
  name: "startPasskeySignIn",
  method: "POST",
  path: "/v1/sessions/passkey/start",
  tag: "Sessions",
  summary: "Begin to sign in with a passkey alone",
  description:
    "For a passkey that the authenticator itself knows the user of, with a PIN or biometrics: it stands for two factors.",
  access: "public",
  answers: {
    201: z.strictObject({ ceremonyId: id, options: requestOptions, expiresAt: unixSeconds }),
  },
  failures: [],
});

export const signInWithPasskey = endpoint({
  name: "signInWithPasskey",
  method: "POST",
  path: "/v1/sessions/passkey",
  tag: "Sessions",
  summary: "Sign in with a passkey alone",
  description:
    "One refusal for an unknown passkey, a wrong signature, a disabled account and an account without a confirmed address.",
  access: "public",
  budget: "credential",
  input: z.strictObject({
    ceremonyId: id,
    credential: passkeyProof.credential,
    deviceToken: deviceToken.optional(),
  }),
  answers: { 201: tokens.extend({ deviceToken: z.string() }) },
  failures: ["invalid_passkey"],
});

const ofUser = {
  tag: "Administration",
  access: "superuser",
  params: z.strictObject({ id }),
} as const;

export const adminGetFactors = endpoint({
  ...ofUser,
  name: "adminGetFactors",
  method: "GET",
  path: "/v1/admin/users/{id}/factors",
  summary: "Which second factors a user has",
  answers: { 200: z.strictObject({ factors: z.array(z.string()), required: z.boolean() }) },
  failures: ["not_found"],
});

export const adminResetFactors = endpoint({
  ...ofUser,
  name: "adminResetFactors",
  method: "POST",
  path: "/v1/admin/users/{id}/factors/reset",
  summary: "Remove every second factor of a user who has lost them",
  description:
    "Their sessions end and they are told by mail. A user who must have one sets it up at the next sign-in.",
  stepUp: adminAct,
  answers: { 204: null },
  failures: ["not_found", "last_credential"],
});

export const adminMfaReport = endpoint({
  tag: "Administration",
  access: "superuser",
  name: "adminMfaReport",
  method: "GET",
  path: "/v1/admin/mfa-report",
  summary: "Whom a policy would ask for a second factor they do not have",
  description:
    "To be read before the policy is switched on. Users are in the order in which they joined.",
  query: z.strictObject({
    policy: z
      .enum(["superusers", "required"])
      .optional()
      .meta({ description: "The one in force if not given" }),
    ...pageQuery,
  }),
  answers: {
    200: pageOf(
      z.strictObject({
        id,
        email: z.string().nullable(),
        username: z.string().nullable(),
        superuser: z.boolean(),
        lastLoginAt: unixSeconds.nullable(),
      }),
    ).extend({
      policy: z.string(),
      concerned: z.int().meta({ description: "Active users of whom the policy demands one" }),
      without: z.int().meta({ description: "Those of them who have none: the items" }),
      withoutRecoveryCodes: z.int().meta({
        description: "Those of them who have one, and no way in when they lose it but the operator",
      }),
    }),
  },
  failures: ["invalid_input"],
});
