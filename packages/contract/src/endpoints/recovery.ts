import { z } from "zod";
import { unixSeconds } from "../claims.ts";
import { adminAct, endpoint, recentFactor } from "../endpoint.ts";
import {
  account,
  email,
  id,
  linkToken,
  password,
  proofOfMail,
  unlessNone,
  username,
} from "./shapes.ts";

const ofACode = ["invalid_code", "code_expired", "code_exhausted"] as const;
const ofALink = ["invalid_link", "link_used", "link_expired", "link_void"] as const;
const ofAPassword = ["wrong_password", "rate_limited", "busy"] as const;

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
  summary: "Set a new password with the mailed code or link",
  description: "Ends every session of the account and does not sign in.",
  access: "public",
  budget: "credential",
  input: z.union([
    z.strictObject({ resetId: id, ...proofOfMail, newPassword: password }),
    z.strictObject({ token: linkToken, newPassword: password }),
  ]),
  answers: { 204: null },
  failures: [...ofACode, ...ofALink, "unacceptable_password", "busy"],
});

export const adminStartPasswordReset = endpoint({
  name: "adminStartPasswordReset",
  method: "POST",
  path: "/v1/admin/users/{id}/password-reset",
  stepUp: adminAct,
  tag: "Administration",
  access: "superuser",
  summary: "Mail a user the means to set a new password",
  description: "The operator never chooses or sees it.",
  params: z.strictObject({ id }),
  answers: { 202: null },
  failures: ["not_found", "no_address"],
});

export const changeEmail = endpoint({
  name: "changeEmail",
  method: "POST",
  path: "/v1/me/email",
  tag: "Own account",
  summary: "Change the e-mail address, or confirm the one there is",
  description:
    "A code and a link are mailed to the new address, and nothing changes until one of them comes back. Always 202, also for an address that somebody else has. A newer change takes the place of an older one.",
  access: "user",
  budget: "mail",
  stepUp: recentFactor,
  input: z.strictObject({ newEmail: email, password: password.optional().meta(unlessNone) }),
  answers: { 202: z.strictObject({ changeId: id, expiresAt: unixSeconds }) },
  failures: ["invalid_input", "session_ended", ...ofAPassword],
});

export const confirmEmailChange = endpoint({
  name: "confirmEmailChange",
  method: "POST",
  path: "/v1/me/email/confirm",
  tag: "Own account",
  summary: "Confirm the new e-mail address with the mailed code",
  description: "The old address is told and can undo it for three days.",
  access: "user",
  budget: "credential",
  input: z.strictObject({ changeId: id, ...proofOfMail }),
  answers: { 200: account },
  failures: [...ofACode, "code_used", "email_taken", "session_ended"],
});

export const confirmEmailChangeByLink = endpoint({
  name: "confirmEmailChangeByLink",
  method: "POST",
  path: "/v1/email-changes/confirm",
  tag: "Own account",
  summary: "Confirm the new e-mail address with the mailed link",
  description:
    "What the page behind the link posts. The link proves the mailbox, the password whose account it is.",
  access: "public",
  budget: "credential",
  input: z.strictObject({ token: linkToken, password }),
  answers: { 204: null },
  failures: [...ofALink, ...ofAPassword, "email_taken"],
});

export const undoEmailChange = endpoint({
  name: "undoEmailChange",
  method: "POST",
  path: "/v1/email-changes/undo",
  tag: "Recovery",
  summary: "Take back a change of e-mail address that was not one's own",
  description:
    "With the link mailed to the old address, for three days. The old address is back, every session has ended, the password is gone and the means to set a new one are mailed to the old address.",
  access: "public",
  budget: "credential",
  input: z.strictObject({ token: linkToken }),
  answers: { 204: null },
  failures: [...ofALink, "email_taken"],
});

export const changeUsername = endpoint({
  name: "changeUsername",
  method: "POST",
  path: "/v1/me/username",
  tag: "Own account",
  summary: "Set, change or remove the username",
  access: "user",
  stepUp: recentFactor,
  input: z.strictObject({
    username: username.nullable(),
    password: password.optional().meta(unlessNone),
  }),
  answers: { 200: account },
  failures: ["invalid_input", "session_ended", "username_taken", "no_address", ...ofAPassword],
});
