import { z } from "zod";
import { unixSeconds } from "../claims.ts";
import { endpoint } from "../endpoint.ts";
import {
  account,
  email,
  id,
  linkToken,
  locale,
  password,
  profile,
  proofOfMail,
  username,
} from "./shapes.ts";

const asking = { registrationId: id, clientSecret: z.string().min(20).max(128) };

export const registerUser = endpoint({
  name: "registerUser",
  method: "POST",
  path: "/v1/users",
  tag: "Registration",
  summary: "Register",
  description:
    "With registration `confirm`, always 202: the answer does not tell whether the address has an account. Keep `clientSecret`; together with the mailed code it completes the registration. With `immediate`, 201 and the account.",
  access: "public",
  budget: "registration",
  input: z.strictObject({
    email,
    username: username.optional(),
    password,
    profile: profile.optional(),
    locale: locale.optional(),
  }),
  answers: {
    201: account,
    202: z.strictObject({
      registrationId: id,
      clientSecret: z.string(),
      expiresAt: unixSeconds.meta({
        description: "Of the code; the mailed link is good for a day",
      }),
    }),
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

export const confirmUser = endpoint({
  name: "confirmUser",
  method: "POST",
  path: "/v1/users/confirm",
  tag: "Registration",
  summary: "Confirm a registration with the mailed code",
  access: "public",
  budget: "credential",
  input: z.strictObject({ ...asking, ...proofOfMail }),
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

export const confirmUserByLink = endpoint({
  name: "confirmUserByLink",
  method: "POST",
  path: "/v1/users/confirm/link",
  tag: "Registration",
  summary: "Confirm a registration with the mailed link",
  description:
    "What the page behind the link posts. The link alone proves the mailbox, not who registered: the password chosen then is asked for. It opens no session; the client that asked learns of it from `getRegistration`.",
  access: "public",
  budget: "credential",
  input: z.strictObject({ token: linkToken, password }),
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

export const resendRegistration = endpoint({
  name: "resendRegistration",
  method: "POST",
  path: "/v1/users/confirm/resend",
  tag: "Registration",
  summary: "Have a new code and link mailed",
  description:
    "Those mailed before no longer work. Always 202 for a registration of this client; five mails an hour leave for one address.",
  access: "public",
  budget: "mail",
  input: z.strictObject(asking),
  answers: { 202: z.strictObject({ expiresAt: unixSeconds }) },
  failures: ["not_found", "registration_closed"],
});

export const getRegistration = endpoint({
  name: "getRegistration",
  method: "POST",
  path: "/v1/users/confirm/status",
  tag: "Registration",
  summary: "Whether a registration has been confirmed, for the client that began it",
  access: "public",
  input: z.strictObject(asking),
  answers: { 200: z.strictObject({ state: z.enum(["pending", "confirmed"]) }) },
  failures: ["not_found"],
});

export const setUp = endpoint({
  name: "setUp",
  method: "POST",
  path: "/v1/setup",
  tag: "Registration",
  summary: "Create the first superuser with the one-time setup link",
  access: "public",
  budget: "credential",
  input: z.strictObject({ setupToken: z.string().min(20).max(128), email, password }),
  answers: { 201: account },
  failures: ["invalid_input", "setup_closed", "unacceptable_password", "email_taken", "busy"],
});
