import type { endpoints } from "@portcullis/contract";
import type { z } from "zod";
import type { User } from "./users.store.ts";

export type Account = z.output<(typeof endpoints.getMe.answers)[200]>;

/**
 * Returns an account in the form that its user sees. Nothing else of the row leaves the server
 * (AD-09).
 */
export function toAccount(user: User): Account {
  return {
    id: user.id,
    email: user.email,
    emailVerifiedAt: user.emailVerifiedAt,
    username: user.username,
    profile: user.profile,
    locale: user.locale,
    superuser: user.superuserSince !== null,
    createdAt: user.createdAt,
    lastLoginAt: user.lastLoginAt,
  };
}
