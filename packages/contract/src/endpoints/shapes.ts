import { z } from "zod";
import { endCauses } from "../failures.ts";

// The schemas here are repeated in several calls. The OpenAPI document refers to those that have a
// name in `openapi.ts` instead of repeating them.

/**
 * Adds the words of the documentation to a schema. The schema must be new and unshared, because it
 * is changed and not copied: copying each of the several hundred members would make the start of a
 * server noticeably slower.
 *
 * @param description complete sentences in Markdown; units and special values belong here
 * @param examples realistic values, the first of which is shown in the OpenAPI document
 */
export function about<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  ...examples: readonly z.output<Schema>[]
): Schema {
  z.globalRegistry.add(schema, {
    description,
    ...(examples.length > 0 && { examples: [...examples] }),
  });
  return schema;
}

const SESSION = "019ad7c2-5f0e-7b31-9c46-2e8d1a7f4b60";
const USER = "019ad7c1-93b4-7e02-8f5d-6a0b3c9e1d27";
const REFRESH_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzaWQiOiIwMTlhIn0.k3J0";
const NOW = 1_796_083_200;

/** The id of something that Portcullis has made: a UUID (RFC 9562) in lower case. */
export const id = (description: string, example: string = USER) =>
  about(z.uuid(), description, example);

/** A point in time: whole seconds since 1970-01-01T00:00:00Z. */
export const time = (description: string, example: number = NOW) =>
  about(z.int().min(0), `${description} In Unix seconds.`, example);

/** A point in time, or `null` if it has not happened. The description tells what `null` means. */
export const timeOrNull = (description: string, example: number | null = NOW) =>
  about(z.int().min(0).nullable(), `${description} In Unix seconds.`, example);

/** A number of things. */
export const count = (description: string, example: number) => about(z.int(), description, example);

export const userId = id("The id of the user.");
/** The `cursor` of the next page. */
export const nextCursor = about(
  z.string().nullable(),
  "The `cursor` of the next page, or `null` if this is the last one.",
  null,
);
export const sessionId = id("The id of the session.", SESSION);

export const email = about(
  z.string().min(3).max(254),
  "A plain e-mail address, without a display name or a comment (RFC 5321 §4.1.2).",
  "anna@example.com",
);
export const username = about(
  z.string().min(1).max(64),
  "Letters and digits of one script, and the characters `.`, `_` and `-`. Two names that differ only in upper and lower case are the same.",
  "anna",
);

/**
 * Passwords have only an upper bound here. The server's policy decides what is acceptable, and its
 * refusal `unacceptable_password` names the rule.
 */
const anyPassword = () => z.string().min(1).max(1024);
const spelled = (schema: z.ZodString, description: string, example: string) => {
  z.globalRegistry.add(schema, { format: "password", description, examples: [example] });
  return schema;
};
export const password = spelled(
  anyPassword(),
  "The password of the account. It is compared after Unicode normalisation (NFKC).",
  "seven quiet herons",
);
export const newPassword = spelled(
  anyPassword(),
  "The new password. It must satisfy the operator's policy and is stored after Unicode normalisation (NFKC).",
  "nine grey geese fly",
);

/** The password that a sensitive call asks for, even though the user is signed in. */
export const passwordAgain = spelled(
  anyPassword(),
  "The current password. Leave it out if the user has no password and signs in by passkey.",
  "seven quiet herons",
);

export const refreshToken = about(
  z.string().min(40).max(512),
  "The newest refresh token of the session.",
  REFRESH_TOKEN,
);
const secret = (description: string, example: string) =>
  about(z.string().min(40).max(512), description, example);
export const deviceToken = secret(
  "The `deviceToken` of an earlier sign-in on this device. It gives the device its own limit of attempts, so that failed attempts elsewhere cannot lock it out.",
  "d1.ZXhhbXBsZS1kZXZpY2UtdG9rZW4tb2YtYW5uYQ.p7Qm2v",
);
export const rememberToken = secret(
  "The `rememberToken` of an earlier sign-in on this device. It replaces the second factor.",
  "r1.ZXhhbXBsZS1yZW1lbWJlci10b2tlbi1vZi1hbm5h.x4Tn8c",
);

/** Any JSON value, to which the server gives no meaning. */
export const json = z.json();

export const profile = about(
  z.record(z.string().min(1).max(64), json),
  "Your own fields for the user. They must be valid against the operator's JSON Schema and take at most 8 KiB as JSON.",
  { displayName: "Anna" },
);
export const locale = about(
  z.string().regex(/^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$/),
  "The language of mail to the user (BCP 47).",
  "de",
);
export const linkToken = about(
  z.string().min(1).max(256),
  "Everything after the `#` in the mailed link.",
  "q8ZVt2mXcLr5Yw3uBs7PkA",
);
export const endCause = about(
  z.enum(endCauses),
  "Why a session has ended. More values may be added.",
  "logout",
);

/** A user's account, as the user sees it. */
export const account = about(
  z.strictObject({
    id: userId,
    email: about(
      z.string().nullable(),
      "The e-mail address as the user wrote it, or `null` if the account has none.",
      "anna@example.com",
    ),
    emailVerifiedAt: timeOrNull("When the address was confirmed, or `null` if it was not."),
    username: about(
      z.string().nullable(),
      "The username as the user wrote it, or `null` if the account has none.",
      "anna",
    ),
    profile,
    locale: about(
      z.string().nullable(),
      "The language of mail to the user (BCP 47), or `null` for the server's default.",
      "de",
    ),
    superuser: about(z.boolean(), "Whether the user may administer this server.", false),
    createdAt: time("When the account was created.", NOW - 86_400),
    lastLoginAt: timeOrNull("When the user last signed in, or `null` if they never did."),
  }),
  "A user's account.",
);

export const accessToken = about(
  z.string(),
  "A JWT (RFC 9068) for the `Authorization` header of API calls. Keep it in memory.",
  "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIwMTlhIn0.c2lnbg",
);
export const expiresInSeconds = count(
  "How many seconds the access token is valid from now. Refresh it shortly before.",
  600,
);
export const newRefreshToken = about(
  z.string(),
  "Trade it for new tokens with `POST /v1/sessions/refresh`. Each response replaces it.",
  REFRESH_TOKEN,
);

export const tokenType = about(
  z.literal("Bearer"),
  "How to send the access token (RFC 6750 §2.1).",
);

/** The pair of tokens that a client holds for a session. */
export const tokens = about(
  z.strictObject({
    accessToken,
    tokenType,
    expiresInSeconds,
    refreshToken: newRefreshToken,
    sessionId,
  }),
  "The tokens of a session.",
);

export const ipAddress = about(z.string(), "The IP address of the latest use.", "192.0.2.7");
export const userAgent = about(
  z.string(),
  "The `User-Agent` header of the latest use, cut to 512 characters.",
  "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0",
);
export const methods = about(
  z.array(z.string()),
  "The authentication methods that the session has used (RFC 8176).",
  ["pwd"],
);

/** A session, with the facts by which a user recognises the device. */
export const session = about(
  z.strictObject({
    id: sessionId,
    current: about(z.boolean(), "Whether the request was made with this session.", true),
    createdAt: time("When the user signed in."),
    lastUsedAt: time("When the tokens were last refreshed."),
    idleEndsAt: time("When the session ends if it is not used again.", NOW + 1_209_600),
    endsAt: time("When the session ends even if it is used.", NOW + 7_776_000),
    address: ipAddress,
    userAgent,
    amr: methods,
  }),
  "A session: one sign-in on one device.",
);

export const newDeviceToken = about(
  z.string(),
  "Send it with the next sign-in on this device. Store it apart from the tokens, so that it outlives a logout.",
  "d1.ZXhhbXBsZS1kZXZpY2UtdG9rZW4tb2YtYW5uYQ.p7Qm2v",
);

/** The response to a sign-in that needs nothing more. */
export const signedIn = about(
  tokens.extend({ deviceToken: newDeviceToken }),
  "The user is signed in.",
);

/** An account as superusers see it. */
export const accountForSuperusers = about(
  account.extend({
    disabledAt: timeOrNull("When the user was disabled, or `null` if they are active.", null),
    liveSessions: count("How many sessions of the user have not ended.", 2),
  }),
  "A user's account, as superusers see it.",
);

/** The same member as in bodies, for calls that have no body. */
export const endOtherSessionsInQuery = z
  .enum(["true", "false"])
  .default("false")
  .transform((text) => text === "true")
  .register(z.globalRegistry, {
    description: "Whether all other sessions of the user end now. The default is `false`.",
  });
/**
 * A whole number in a query string, written in plain digits. Other spellings of a number, such as
 * `0x10`, `1e2` or ` 5`, are refused (IN-03).
 */
export function digits(atLeast: number, atMost: number, fallback: number, words: string) {
  const message = `must be a whole number from ${atLeast} to ${atMost}`;
  return z
    .string()
    .refine((text) => /^\d{1,6}$/.test(text), message)
    .transform(Number)
    .pipe(z.number().min(atLeast, message).max(atMost, message))
    .default(fallback)
    .register(z.globalRegistry, {
      type: "integer",
      minimum: atLeast,
      maximum: atMost,
      description: `${words} The default is ${fallback}.`,
    });
}

/**
 * The query parameters of a list that comes in pages. Request the first page without a cursor, then
 * send each response's `nextCursor` until it is `null`.
 */
export const pageQuery = {
  cursor: about(
    z.string().max(512).optional(),
    "The `nextCursor` of the page before. Leave it out for the first page.",
  ),
  limit: digits(1, 200, 50, "The highest number of items on the page."),
};

/** One page of a list. The items of the next page begin where `nextCursor` points. */
export function pageOf<Item extends z.ZodType>(item: Item, description: string) {
  return about(
    z.strictObject({
      items: about(z.array(item), "The items of this page."),
      nextCursor,
    }),
    description,
  );
}

/** A whole list in one response. It is an object so that members can be added to it later. */
export function listOf<Item extends z.ZodType>(item: Item, description: string) {
  return about(z.strictObject({ items: about(z.array(item), "All items.") }), description);
}

export const mailedCode = about(
  z.string().regex(/^\d{8}$/),
  "The eight digits in the mail.",
  "12345678",
);

export const CLIENT_SECRET = "Vb7Qm2xKp9Tn4ZsLw8RcYh3J";
export const registrationId = id(
  "The id of the registration.",
  "019ad7c0-1d6e-7a45-b3f8-9e2c4d7a0b15",
);

/** Only the client that began a registration has these two, so no other client can finish it. */
export const begunRegistration = about(
  z.strictObject({
    registrationId,
    clientSecret: about(
      z.string().min(20).max(128),
      "The secret from the response that began the registration.",
      CLIENT_SECRET,
    ),
  }),
  "A registration that this client has begun.",
);

/** The link proves that the user reads the mail, and the password that the account is theirs. */
export const linkAndPassword = about(
  z.strictObject({ token: linkToken, password }),
  "A mailed link and the password of the account.",
);
