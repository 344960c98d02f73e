import { z } from "zod";
import { unixSeconds } from "../claims.ts";
import { endpoint } from "../endpoint.ts";
import { email, id, password, proofOfMail } from "./shapes.ts";

export const startPasswordReset = endpoint({
  name: "startPasswordReset",
  method: "POST",
  path: "/v1/password-resets",
  tag: "Recovery",
  summary: "Forgotten password: have a code mailed",
  description: "Always 202: the answer does not tell whether the address has an account.",
  access: "public",
  budget: "mail",
  input: z.strictObject({ email }),
  answers: { 202: z.strictObject({ resetId: id, expiresAt: unixSeconds }) },
  failures: ["invalid_input"],
});

export const confirmPasswordReset = endpoint({
  name: "confirmPasswordReset",
  method: "POST",
  path: "/v1/password-resets/confirm",
  tag: "Recovery",
  summary: "Set a new password with the mailed code",
  description: "Ends every session of the account and does not sign in.",
  access: "public",
  budget: "credential",
  input: z.union([
    z.strictObject({ resetId: id, ...proofOfMail, newPassword: password }),
    z.strictObject({ token: z.string().min(20).max(128).meta({ description: "The long token from the mail" }), newPassword: password }),
  ]),
  answers: { 204: null },
  failures: ["invalid_code", "unacceptable_password", "busy"],
});

export const adminStartPasswordReset = endpoint({
  name: "adminStartPasswordReset",
  method: "POST",
  path: "/v1/admin/users/{id}/password-reset",
  tag: "Administration",
  access: "superuser",
  summary: "Mail a user the means to set a new password",
  description: "The operator never chooses or sees it.",
  params: z.strictObject({ id }),
  answers: { 202: null },
  failures: ["not_found", "no_address"],
});
