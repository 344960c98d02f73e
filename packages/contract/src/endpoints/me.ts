import { z } from "zod";
import { endpoint, recentFactor } from "../endpoint.ts";
import { account, locale, password, profile, tokens, unlessNone } from "./shapes.ts";

export const getMe = endpoint({
  name: "getMe",
  method: "GET",
  path: "/v1/me",
  tag: "Own account",
  summary: "The account",
  access: "user",
  answers: { 200: account },
  failures: ["session_ended", "account_paused"],
});

export const updateMe = endpoint({
  name: "updateMe",
  method: "PATCH",
  path: "/v1/me",
  tag: "Own account",
  summary: "Change profile or language",
  description:
    "`profile` is merged into the stored one (RFC 7396): a member that is null is removed. The result must satisfy the operator's JSON Schema.",
  access: "user",
  input: z.strictObject({ profile: profile.optional(), locale: locale.nullable().optional() }),
  answers: { 200: account },
  failures: ["invalid_input", "session_ended", "account_paused"],
});

export const deleteMe = endpoint({
  name: "deleteMe",
  method: "DELETE",
  path: "/v1/me",
  tag: "Own account",
  summary: "Delete the account",
  description: "Its sessions end at once and its data is gone. It cannot be undone.",
  access: "user",
  stepUp: recentFactor,
  input: z.strictObject({ password: password.optional().meta(unlessNone) }),
  answers: { 204: null },
  failures: ["wrong_password", "last_superuser", "rate_limited", "busy"],
});

export const changePassword = endpoint({
  name: "changePassword",
  method: "POST",
  path: "/v1/me/password",
  tag: "Own account",
  summary: "Change the password",
  description:
    "Every other session ends at once. This one goes on with the tokens of the answer; its earlier ones are dead.",
  access: "user",
  input: z.strictObject({ currentPassword: password, newPassword: password }),
  answers: { 200: tokens },
  failures: ["wrong_password", "unacceptable_password", "session_ended", "rate_limited", "busy"],
});
