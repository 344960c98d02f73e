import { z } from "zod";
import { unixSeconds } from "../claims.ts";
import { endCauses } from "../failures.ts";

export const id = z.uuid();
export const email = z
  .string()
  .min(3)
  .max(254)
  .meta({
    description: "One plain address, without display name or comments",
    examples: ["anna@example.com"],
  });
export const username = z
  .string()
  .min(1)
  .max(64)
  .meta({
    description: "Letters, digits and . _ - in any one script; compared without regard to case",
    examples: ["anna"],
  });
/**
 * An upper bound only: what makes a password acceptable is the server's policy, and its refusal
 * says which rule.
 */
export const password = z
  .string()
  .min(1)
  .max(1024)
  .meta({ format: "password", description: "Compared as received, after NFKC" });
/** Where the password is asked for once more. */
export const unlessNone = {
  description: "The current one; left out by a user who has none and signs in by passkey",
};
export const refreshToken = z.string().min(40).max(512);
export const deviceToken = z.string().min(40).max(512).meta({
  description:
    "Proves that this client has signed in to this account before; gives it a budget of attempts of its own",
});
export const rememberToken = z
  .string()
  .min(40)
  .max(512)
  .meta({ description: "Proves that this device was trusted with the second factor" });
export const profile = z
  .record(z.string().min(1).max(64), z.json())
  .meta({ description: "Custom fields, valid against the operator's JSON Schema; at most 8 KiB" });
export const locale = z
  .string()
  .regex(/^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$/)
  .meta({ description: "Language of mail (BCP 47)", examples: ["de", "pt-BR"] });
export const linkToken = z
  .string()
  .min(1)
  .max(256)
  .meta({ description: "What follows `#` in the mailed link" });
export const endCause = z.enum(endCauses);

export const account = z.strictObject({
  id,
  email: z.string().nullable(),
  emailVerifiedAt: unixSeconds.nullable(),
  username: z.string().nullable(),
  profile,
  locale: z.string().nullable(),
  superuser: z.boolean(),
  createdAt: unixSeconds,
  lastLoginAt: unixSeconds.nullable(),
});

export const tokens = z.strictObject({
  accessToken: z.string(),
  tokenType: z.literal("Bearer"),
  expiresInSeconds: z.int(),
  refreshToken: z.string(),
  sessionId: id,
});

export const session = z.strictObject({
  id,
  current: z.boolean(),
  createdAt: unixSeconds,
  lastUsedAt: unixSeconds,
  /** When it ends if it is not used again. */
  idleEndsAt: unixSeconds,
  /** When it ends whatever happens. */
  endsAt: unixSeconds,
  address: z.string(),
  userAgent: z.string(),
  amr: z.array(z.string()),
});

/** A number in a query string, in plain digits: `0x10`, `1e2` and ` 5` are none (IN-03). */
export function digits(atLeast: number, atMost: number, fallback: number) {
  const message = `must be a whole number from ${atLeast} to ${atMost}`;
  return z
    .string()
    .refine((text) => /^\d{1,6}$/.test(text), message)
    .transform(Number)
    .pipe(z.number().min(atLeast, message).max(atMost, message))
    .default(fallback)
    .meta({
      type: "integer",
      minimum: atLeast,
      maximum: atMost,
      description: `${fallback} if not given`,
    });
}

export const pageQuery = {
  cursor: z.string().max(512).optional().meta({ description: "`nextCursor` of the page before" }),
  limit: digits(1, 200, 50),
};

export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() });
}

/** What a mailed link or code is answered with. */
export const proofOfMail = {
  code: z
    .string()
    .regex(/^\d{8}$/)
    .meta({ description: "The eight digits from the mail", examples: ["12345678"] }),
};
