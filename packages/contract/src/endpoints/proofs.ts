import { z } from "zod";
import { unixSeconds } from "../claims.ts";
import { id } from "./shapes.ts";

/** Second factors, by the name that every call, mail and record has for them. */
export const factorNames = ["totp", "email", "passkey", "recovery_codes"] as const;
export type FactorName = (typeof factorNames)[number];

const factorName = z.enum(factorNames);

const base64url = (atMost: number) =>
  z
    .string()
    .min(1)
    .max(atMost)
    .regex(/^[A-Za-z0-9_-]+$/);

/**
 * What browsers say of a credential beside what is checked grows with each of them: it is passed
 * over.
 */
const credential = {
  id: base64url(1400),
  rawId: base64url(1400),
  type: z.literal("public-key"),
  authenticatorAttachment: z.enum(["platform", "cross-platform"]).nullish(),
  clientExtensionResults: z.record(z.string().max(64), z.json()).default({}),
};

/** `AuthenticationResponseJSON` (WebAuthn Level 3 §5.1). */
export const assertion = z
  .object({
    ...credential,
    response: z.object({
      clientDataJSON: base64url(4096),
      authenticatorData: base64url(4096),
      signature: base64url(2048),
      userHandle: base64url(128).nullish(),
    }),
  })
  .meta({
    description: "What `navigator.credentials.get` gave, by its `toJSON` (WebAuthn Level 3 §5.1)",
  });

/** `RegistrationResponseJSON` (WebAuthn Level 3 §5.1). */
export const attestation = z
  .object({
    ...credential,
    response: z.object({
      clientDataJSON: base64url(4096),
      attestationObject: base64url(32_768),
      transports: z.array(z.string().max(32)).max(8).optional(),
    }),
  })
  .meta({
    description:
      "What `navigator.credentials.create` gave, by its `toJSON` (WebAuthn Level 3 §5.1)",
  });

export type Assertion = z.output<typeof assertion>;
export type Attestation = z.output<typeof attestation>;

/** Of any factor that has codes; which form they have is the factor's to know. */
const code = z
  .string()
  .min(4)
  .max(64)
  .meta({ description: "As shown by the authenticator, mailed or noted", examples: ["123456"] });

export const codeProof = { factor: z.enum(["totp", "email", "recovery_codes"]), code };
export const passkeyProof = { factor: z.literal("passkey"), ceremonyId: id, credential: assertion };
export const newPasskeyProof = {
  factor: z.literal("passkey"),
  ceremonyId: id,
  credential: attestation,
};

const options = z.record(z.string(), z.json());

export const requestOptions = options.meta({
  description:
    "For `PublicKeyCredential.parseRequestOptionsFromJSON` and `navigator.credentials.get` (WebAuthn Level 3 §5.1)",
});
export const creationOptions = options.meta({
  description:
    "For `PublicKeyCredential.parseCreationOptionsFromJSON` and `navigator.credentials.create` (WebAuthn Level 3 §5.1)",
});

/** What a factor needs before it can be shown: a mailed code, or the options of a ceremony. */
export const prepared = z.discriminatedUnion("factor", [
  z.strictObject({ factor: z.literal("email"), expiresAt: unixSeconds, resendAt: unixSeconds }),
  z.strictObject({
    factor: z.literal("passkey"),
    ceremonyId: id,
    options: requestOptions,
    expiresAt: unixSeconds,
  }),
]);

export const newTotp = z.strictObject({
  factor: z.literal("totp"),
  id,
  secret: z
    .string()
    .meta({ description: "Base32, to be typed where a QR code cannot be read; shown this once" }),
  uri: z.string().meta({ description: "otpauth:// URI, as in the QR code" }),
  qrSvg: z.string().meta({ description: "The QR code as an SVG document" }),
  qrPng: z.string().meta({ description: "The QR code as a `data:image/png` URL" }),
  expiresAt: unixSeconds.meta({
    description: "Until then it has to be confirmed with its first code",
  }),
});

/** What begins an enrolment; it counts once it is confirmed. */
export const begun = z.discriminatedUnion("factor", [
  newTotp,
  z.strictObject({ factor: z.literal("email"), expiresAt: unixSeconds, resendAt: unixSeconds }),
  z.strictObject({
    factor: z.literal("passkey"),
    ceremonyId: id,
    options: creationOptions,
    expiresAt: unixSeconds,
  }),
]);

export type Prepared = z.output<typeof prepared>;
export type Begun = z.output<typeof begun>;

export type CodeProof = {
  readonly factor: "totp" | "email" | "recovery_codes";
  readonly code: string;
};
export type PasskeyProof = {
  readonly factor: "passkey";
  readonly ceremonyId: string;
  readonly credential: Assertion;
};
export type NewPasskeyProof = {
  readonly factor: "passkey";
  readonly ceremonyId: string;
  readonly credential: Attestation;
};
export type Proof = CodeProof | PasskeyProof | NewPasskeyProof;

/** What sign-in answers where the password is not enough. */
export const challenge = z.strictObject({
  challengeId: id,
  challengeSecret: z.string(),
  expiresAt: unixSeconds,
  factors: z.array(factorName).meta({ description: "With any of these it can be answered" }),
  enrol: z
    .array(factorName)
    .meta({ description: "Where there is none yet and one is required: which can be set up now" }),
});
