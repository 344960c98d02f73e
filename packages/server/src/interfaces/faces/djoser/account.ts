import type { Json } from "../../../platform/http/serve.ts";
import { findByNumber, findUser, type User } from "../../../accounts/users/users.store.ts";
import type { DjoserDeps } from "./deps.ts";

const NUMBER = /^[1-9]\d{0,15}$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Writes a user as `UserSerializer` does. This face shows nothing else of a user. */
export function accountOf({ tokens, loginField }: DjoserDeps, user: User): Json {
  const email = user.email ?? "";
  const id = tokens.idOf(user);
  return loginField === "email" ? { id, email } : { email, id, username: user.username ?? "" };
}

/** Finds a user by the `id` that the face shows. */
export async function findById(
  { db, userIdField }: DjoserDeps,
  id: string,
): Promise<User | undefined> {
  if (userIdField === "id") return UUID.test(id) ? findUser(db, id) : undefined;
  return NUMBER.test(id) && Number.isSafeInteger(Number(id))
    ? findByNumber(db, Number(id))
    : undefined;
}

/** Makes the `uid` of mailed links. */
export function uidOf({ tokens }: Pick<DjoserDeps, "tokens">, user: User): string {
  return Buffer.from(String(tokens.idOf(user))).toString("base64url");
}

export async function findByUid(deps: DjoserDeps, uid: string): Promise<User | undefined> {
  const id = Buffer.from(uid, "base64url");
  return id.toString("base64url") === uid ? findById(deps, id.toString()) : undefined;
}
