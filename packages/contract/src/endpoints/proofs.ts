import { z } from "zod";
import { about, id, json, time, timeOrNull, tokens } from "./shapes.ts";

/**
 * The second factors, by the names that every call, mail and log entry uses:
 *
 * - `totp`: codes of an authenticator app (RFC 6238).
 * - `email`: codes that are mailed to the user. It is the weakest factor, because the mailbox can
 *   also reset the password.
 * - `passkey`: a passkey or security key (WebAuthn Level 3). It is the only factor that cannot be
 *   phished.
 * - `recovery_codes`: ten codes to use once each if the other factors are lost.
 *
 * @example
 * ```ts
 * import { factorNames, type FactorName } from "@portcullis/contract";
 *
 * const labels: Record<FactorName, string> = {
 *   totp: "App",
 *   email: "Code by e-mail",
 *   passkey: "Passkey",
 *   recovery_codes: "Recovery code",
 * };
 * const choices = factorNames.map((name) => labels[name]);
 * console.log(choices.join(", ")); // App, Code by e-mail, Passkey, Recovery code
 * ```
 */
export const factorNames = ["totp", "email", "passkey", "recovery_codes"] as const;

/** One of the second factors in {@link factorNames}. */
export type FactorName = (typeof factorNames)[number];

const CEREMONY = "019ad7c3-0a52-7c19-a6e4-5b8f1d3e9c70";
export const ceremonyId = id("The id of the passkey ceremony that was begun.", CEREMONY);
const CREDENTIAL = "q2NvbnN0cmFpbmVkLWNyZWRlbnRpYWwtaWQ";

/** Binary data in base64url without padding (RFC 4648 §5). */
const base64urlText = (atMost: number) =>
  z
    .string()
    .min(1)
    .max(atMost)
    .regex(/^[A-Za-z0-9_-]+$/);
const base64url = (atMost: number, description: string, example: string) =>
  about(base64urlText(atMost), `${description} In base64url without padding.`, example);

export const extensionResults = about(
  z.record(z.string().max(64), json).default({}),
  "The results of WebAuthn extensions. The server does not use them.",
  {},
);

/**
 * The members that both kinds of credential have. Members that are not listed are ignored and not
 * refused, because every new version of a browser may add some.
 */
const credential = {
  id: base64url(1400, "The id of the credential.", CREDENTIAL),
  rawId: base64url(1400, "The id of the credential again, as WebAuthn has it.", CREDENTIAL),
  type: about(z.literal("public-key"), "The only type of credential that WebAuthn has."),
  authenticatorAttachment: about(
    z.enum(["platform", "cross-platform"]).nullish(),
    "Whether the authenticator is part of the device or can be moved between devices.",
    "platform",
  ),
  clientExtensionResults: extensionResults,
};

const clientDataJSON = base64url(
  4096,
  "The client data that the browser signed over.",
  "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
);

/** A proof with a passkey: the type `AuthenticationResponseJSON` of WebAuthn Level 3 §5.1. */
export const assertion = about(
  z.object({
    ...credential,
    response: about(
      z.object({
        clientDataJSON,
        authenticatorData: base64url(
          4096,
          "The authenticator data.",
          "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ",
        ),
        signature: base64url(2048, "The signature of the passkey.", "MEUCIQDx2vQm8Jt5Yw"),
        userHandle: about(
          base64urlText(128).nullish(),
          "The id that the passkey stores for its user. In base64url without padding.",
          "MDE5YWQ3YzE",
        ),
      }),
      "The authenticator's response.",
    ),
  }),
  "The result of `navigator.credentials.get`, by its `toJSON` (WebAuthn Level 3 §5.1).",
);

/** A new passkey: the type `RegistrationResponseJSON` of WebAuthn Level 3 §5.1. */
export const attestation = about(
  z.object({
    ...credential,
    response: about(
      z.object({
        clientDataJSON,
        attestationObject: base64url(
          32_768,
          "The attestation, with the public key of the passkey.",
          "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YQ",
        ),
        transports: about(
          z.array(z.string().max(32)).max(8).optional(),
          "How the browser can reach the authenticator later.",
          ["internal"],
        ),
      }),
      "The authenticator's response.",
    ),
  }),
  "The result of `navigator.credentials.create`, by its `toJSON` (WebAuthn Level 3 §5.1).",
);

/** The JSON form of a proof with a passkey, which browsers create (WebAuthn Level 3 §5.1). */
export type Assertion = z.output<typeof assertion>;
/** The JSON form of a new passkey, which browsers create (WebAuthn Level 3 §5.1). */
export type Attestation = z.output<typeof attestation>;

const passkeyName = about(z.literal("passkey"), "The kind of factor.");

export const codeProof = {
  factor: about(
    z.enum(["totp", "email", "recovery_codes"]),
    "The kind of factor that the code belongs to.",
    "totp",
  ),
  code: about(
    z.string().min(4).max(64),
    "The code that the app shows, that was mailed, or that the user noted.",
    "123456",
  ),
};
export const passkeyProof = { factor: passkeyName, ceremonyId, credential: assertion };
export const newPasskeyProof = { factor: passkeyName, ceremonyId, credential: attestation };

export const requestOptions = about(
  z.record(z.string(), json),
  "Pass it to `PublicKeyCredential.parseRequestOptionsFromJSON`, and the result as `publicKey` to `navigator.credentials.get` (WebAuthn Level 3 §5.1).",
  { challenge: "bXVzdC1iZS1zaWduZWQ", rpId: "example.com", userVerification: "preferred" },
);
export const creationOptions = about(
  z.record(z.string(), json),
  "Pass it to `PublicKeyCredential.parseCreationOptionsFromJSON`, and the result as `publicKey` to `navigator.credentials.create` (WebAuthn Level 3 §5.1).",
  {
    challenge: "bXVzdC1iZS1zaWduZWQ",
    rp: { id: "example.com", name: "Example" },
    user: { id: "MDE5YWQ3YzE", name: "anna@example.com", displayName: "anna@example.com" },
    pubKeyCredParams: [{ type: "public-key", alg: -7 }],
  },
);

const emailName = about(z.literal("email"), "The kind of factor.");
export const codeMailed = about(
  z.strictObject({
    factor: emailName,
    expiresAt: time("When the mailed code expires."),
    resendAt: time("When a new code can be requested at the earliest."),
  }),
  "A code has been mailed.",
);

/** The response that prepares a proof: a code was mailed, or it has options for the browser. */
export const prepared = about(
  z.discriminatedUnion("factor", [
    codeMailed,
    z.strictObject({
      factor: passkeyName,
      ceremonyId,
      options: requestOptions,
      expiresAt: time("When the ceremony expires."),
    }),
  ]),
  "Either a code has been mailed, or the browser can ask for the passkey.",
);

export const totpId = id(
  "The id of the authenticator app.",
  "019ad7c4-6b3d-7f08-9d21-c7a5e8f2b046",
);
export const passkeyId = id("The id of the passkey.", "019ad7cb-64e9-7d15-8fb2-3c7a0e9d5b86");
export const enrolledAt = time("When the factor was set up.");

export const factorName = about(
  z
    .string()
    .min(1)
    .max(64)
    // Control characters cannot be stored in every database, and characters that change the
    // direction of text would let a name imitate another one.
    .regex(/^[^\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]+$/u),
  "The name that the user gave it.",
  "Phone",
);

/** A passkey in the user's list. */
export const passkey = about(
  z.strictObject({
    id: passkeyId,
    name: factorName,
    createdAt: enrolledAt,
    lastUsedAt: timeOrNull("When it was last used, or `null` if it was not."),
    synced: about(z.boolean(), "Whether its provider may copy it to other devices.", true),
    suspectSince: timeOrNull(
      "When its signature counter first went back, which can mean that it was copied, or `null`.",
      null,
    ),
  }),
  "A passkey.",
);

/** A new authenticator app. It has no effect until its first code confirms it. */
export const newTotp = about(
  z.strictObject({
    factor: about(z.literal("totp"), "The kind of factor."),
    id: totpId,
    secret: about(
      z.string(),
      "The secret in Base32 (RFC 4648 §6), to type in if the QR code cannot be scanned. It is shown only here.",
      "W4VXB3SZ3GFQK2HXJYQ7D3Q2NRTC5LZU",
    ),
    uri: about(
      z.string(),
      "The `otpauth://` URI that the QR code contains.",
      "otpauth://totp/Example:anna%40example.com?secret=W4VXB3SZ3GFQK2HXJYQ7D3Q2NRTC5LZU&issuer=Example",
    ),
    qrSvg: about(
      z.string(),
      "The QR code as an SVG document.",
      '<svg xmlns="http://www.w3.org/2000/svg"/>',
    ),
    qrPng: about(
      z.string(),
      "The QR code as a `data:image/png` URL.",
      "data:image/png;base64,iVBORw0KGgo=",
    ),
    expiresAt: time("When the app must be confirmed with its first code at the latest."),
  }),
  "The secret of a new authenticator app. It counts as a factor once it is confirmed.",
);

/** The beginning of an enrolment. The factor counts once the user has proven it. */
export const begun = about(
  z.discriminatedUnion("factor", [
    newTotp,
    codeMailed,
    z.strictObject({
      factor: passkeyName,
      ceremonyId,
      options: creationOptions,
      expiresAt: time("When the ceremony expires."),
    }),
  ]),
  "The setup of the factor has begun.",
);

export const recoveryCodesExample = ["8K2F-QW7M-XT4C", "Z5HN-3RPD-B9VJ"];
export const firstRecoveryCodes = about(
  z.array(z.string()).nullable(),
  "Ten recovery codes if this is the user's first factor, otherwise `null`. They are shown only here.",
  recoveryCodesExample,
);

/** A user who changes a factor may end all other sessions with the same call (ASVS 7.4.3). */
export const endOtherSessions = about(
  z.boolean().optional(),
  "Whether all other sessions of the user end now.",
  false,
);

/** The request that completes an enrolment with a code. */
export const firstCode = about(
  z.strictObject({
    code: about(
      z.string().min(6).max(10),
      "The code that the app shows now, or the one that was mailed.",
      "123456",
    ),
    endOtherSessions,
  }),
  "The first code of a factor that is being set up.",
);

/** The response that completes an enrolment. */
export const enrolled = about(
  z.strictObject({
    id: id("The id of the new factor.", "019ad7c4-6b3d-7f08-9d21-c7a5e8f2b046"),
    tokens,
    recoveryCodes: firstRecoveryCodes,
  }),
  "The factor is set up.",
);

/** The response to `prepareChallenge` and `prepareStepUp`. Branch on `factor`. */
export type Prepared = z.output<typeof prepared>;
/** The response to `enrolInChallenge`. Branch on `factor`. */
export type Begun = z.output<typeof begun>;

/** A proof with a code that the user has typed. */
export type CodeProof = {
  /** The kind of factor that the code belongs to. */
  readonly factor: "totp" | "email" | "recovery_codes";
  /** The code, as it was typed. */
  readonly code: string;
};

/** A proof with a passkey that the user has registered before. */
export type PasskeyProof = {
  /** Tells this proof from one with a code. */
  readonly factor: "passkey";
  /** The `ceremonyId` that came with the options for the browser. */
  readonly ceremonyId: string;
  /** The result of `navigator.credentials.get`. */
  readonly credential: Assertion;
};

/** A proof with a passkey that the user has just made, which registers it. */
export type NewPasskeyProof = {
  /** Tells this proof from one with a code. */
  readonly factor: "passkey";
  /** The `ceremonyId` that came with the options for the browser. */
  readonly ceremonyId: string;
  /** The result of `navigator.credentials.create`. */
  readonly credential: Attestation;
};

/** Anything that can answer a challenge. */
export type Proof = CodeProof | PasskeyProof | NewPasskeyProof;

const factorsOf = (description: string, ...example: FactorName[]) =>
  about(z.array(z.enum(factorNames)), description, example);

export const challengeId = id("The id of the challenge.", "019ad7c5-2e81-7d64-8b0a-f3c6a9d7e512");

export const challengeSecret = about(
  z.string().min(40).max(64),
  "The `challengeSecret` from the response to the sign-in.",
  "x9o1Ctq0LKohp_ur31bJUDscwCjGLC_PSPAqjSV4_3o",
);
export const rememberDevice = about(
  z.boolean().optional(),
  "Whether later sign-ins on this device may skip the second factor, if the operator allows it.",
  false,
);
export const recoveryCodesLeft = about(
  z.int().nullable(),
  "How many recovery codes are left if one was used, otherwise `null`. Warn the user if there are few.",
  null,
);

/** The response to a sign-in with the right password that needs a second factor. */
export const challenge = about(
  z.strictObject({
    challengeId,
    challengeSecret: about(
      z.string(),
      "Send it with the answer. It shows that you began the sign-in.",
      "x9o1Ctq0LKohp_ur31bJUDscwCjGLC_PSPAqjSV4_3o",
    ),
    expiresAt: time("When the challenge expires."),
    factors: factorsOf("The factors that the user has. Any one of them is enough.", "totp"),
    enrol: factorsOf(
      "The factors that the user can set up now. It is empty unless one is required and the user has none.",
    ),
  }),
  "The password is right. The user now has to prove a second factor.",
);
