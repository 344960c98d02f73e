import { z } from "zod";
import { unixSeconds } from "../claims.ts";
import { endpoint } from "../endpoint.ts";
import { account, email, id, password, profile, proofOfMail, username } from "./shapes.ts";

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
  input: z.strictObject({ email, username: username.optional(), password, profile: profile.optional() }),
  answers: {
    201: account,
    202: z.strictObject({ registrationId: id, clientSecret: z.string(), expiresAt: unixSeconds }),
  },
  failures: ["invalid_input", "registration_closed", "unacceptable_password", "email_taken", "username_taken", "busy"],
});

export const confirmUser = endpoint({
  name: "confirmUser",
  method: "POST",
  path: "/v1/users/confirm",
  tag: "Registration",
  summary: "Confirm a registration with the mailed code",
  access: "public",
  budget: "credential",
  input: z.strictObject({ registrationId: id, clientSecret: z.string().min(20).max(128), ...proofOfMail }),
  answers: { 201: account },
  failures: ["invalid_code", "username_taken", "registration_closed"],
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
