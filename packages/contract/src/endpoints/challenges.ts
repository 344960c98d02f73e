import { z } from "zod";
import { unixSeconds } from "../claims.ts";
import { endpoint } from "../endpoint.ts";
import { begun, codeProof, newPasskeyProof, passkeyProof, prepared } from "./proofs.ts";
import { id, password, rememberToken, tokens } from "./shapes.ts";

const challengeSecret = z
  .string()
  .min(40)
  .max(64)
  .meta({ description: "From the answer that opened the challenge: nobody else can answer it" });
const ofChallenge = z.strictObject({ id });
const ofAProof = ["invalid_code", "invalid_passkey", "rate_limited", "busy"] as const;
const ofAMail = ["no_address", "rate_limited"] as const;

/** How many are unused, where one was used just now: a client warns when few are left. */
const recoveryCodesLeft = z.int().nullable();
const recoveryCodes = z.array(z.string()).nullable().meta({
  description: "Made with the first factor, where it was set up just now, and shown this once",
});

const answered = {
  challengeSecret,
  rememberDevice: z.boolean().optional().meta({
    description:
      "Whether this device is to be trusted with the second factor from now on, where the operator allows it",
  }),
};

export const answerChallenge = endpoint({
  name: "answerChallenge",
  method: "POST",
  path: "/v1/challenges/{id}",
  tag: "Sessions",
  summary: "Second step of signing in",
  description:
    "Any of the challenge's factors will do, and another may be tried after one has failed: five tries, five minutes. It opens one session. After `enrol`, with the first proof of the new factor.",
  access: "public",
  params: ofChallenge,
  input: z.union([
    z.strictObject({ ...answered, ...codeProof }),
    z.strictObject({ ...answered, ...passkeyProof }),
    z.strictObject({ ...answered, ...newPasskeyProof }),
  ]),
  answers: {
    201: tokens.extend({
      deviceToken: z.string(),
      rememberToken: rememberToken.nullable(),
      recoveryCodesLeft,
      recoveryCodes,
    }),
  },
  failures: ["invalid_challenge", ...ofAProof],
});

export const prepareChallenge = endpoint({
  name: "prepareChallenge",
  method: "POST",
  path: "/v1/challenges/{id}/prepare",
  tag: "Sessions",
  summary: "Have a code mailed, or begin with a passkey",
  description: "A new code voids the one before; there is a pause between two.",
  access: "public",
  params: ofChallenge,
  input: z.strictObject({ challengeSecret, factor: z.enum(["email", "passkey"]) }),
  answers: { 200: prepared },
  failures: ["invalid_challenge", "factor_unavailable", ...ofAMail],
});

export const enrolInChallenge = endpoint({
  name: "enrolInChallenge",
  method: "POST",
  path: "/v1/challenges/{id}/enrol",
  tag: "Sessions",
  summary: "Set up the second factor that is required",
  description:
    "Where the challenge offers it in `enrol`. The factor counts, and the session opens, once the challenge is answered with it.",
  access: "public",
  params: ofChallenge,
  input: z.strictObject({ challengeSecret, factor: z.enum(["totp", "email", "passkey"]) }),
  answers: { 200: begun },
  failures: ["invalid_challenge", "factor_unavailable", ...ofAMail],
});

export const stepUp = endpoint({
  name: "stepUp",
  method: "POST",
  path: "/v1/step-up",
  tag: "Sessions",
  summary: "Prove once more who is there",
  description:
    "For calls that answer `insufficient_user_authentication`. Who has a second factor shows it, everybody else the password. The session goes on under a new id with the tokens of the answer; its earlier ones are dead.",
  access: "user",
  input: z.union([
    z.strictObject({ password }),
    z.strictObject(codeProof),
    z.strictObject(passkeyProof),
  ]),
  answers: { 200: tokens.extend({ recoveryCodesLeft }) },
  failures: ["wrong_password", "second_factor_required", "session_ended", ...ofAProof],
});

export const prepareStepUp = endpoint({
  name: "prepareStepUp",
  method: "POST",
  path: "/v1/step-up/prepare",
  tag: "Sessions",
  summary: "Have a code mailed, or begin with a passkey, to step up",
  access: "user",
  input: z.strictObject({ factor: z.enum(["email", "passkey"]) }),
  answers: { 200: prepared },
  failures: ["session_ended", "factor_unavailable", ...ofAMail],
});

export const listRememberedDevices = endpoint({
  name: "listRememberedDevices",
  method: "GET",
  path: "/v1/me/remembered-devices",
  tag: "Own account",
  summary: "Devices that are not asked for the second factor",
  access: "user",
  answers: {
    200: z.strictObject({
      items: z.array(
        z.strictObject({
          id,
          createdAt: unixSeconds,
          lastUsedAt: unixSeconds,
          expiresAt: unixSeconds,
          address: z.string(),
          userAgent: z.string(),
        }),
      ),
    }),
  },
  failures: [],
});

export const forgetRememberedDevice = endpoint({
  name: "forgetRememberedDevice",
  method: "DELETE",
  path: "/v1/me/remembered-devices/{id}",
  tag: "Own account",
  summary: "Ask a device for the second factor again",
  description: "204 too where there is no such device of this account.",
  access: "user",
  params: z.strictObject({ id }),
  answers: { 204: null },
  failures: [],
});
