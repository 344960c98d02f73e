import { transact } from "../../../platform/db/transact.ts";
import type { Visit } from "../../../platform/http/page.ts";
import { findByAddress, type User } from "../../../accounts/users/users.store.ts";
import type { DjoserDeps } from "./deps.ts";
import { addressOf } from "./fields.ts";
import { sendLinks, type LinkLetter } from "./letters.ts";

export type AskOutcome =
  | { readonly kind: "sent" | "nobody" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number };

/**
 * Mails a link to all users with exactly this spelling of the address. The activation link goes to
 * paused accounts only, the other links to active ones. A user who is disabled or has no password
 * gets no mail.
 */
export async function askForLink(
  deps: DjoserDeps,
  template: LinkLetter,
  email: string,
  { client }: Visit,
): Promise<AskOutcome> {
  const allowance = await deps.allow("mail", client);
  if (!allowance.ok) return { kind: "throttled", retryAfterSeconds: allowance.retryAfterSeconds };
  const { address, canonical } = addressOf(email);
  const isMeant = (user: User): boolean =>
    user.email === address &&
    user.disabledAt === null &&
    user.passwordSealed !== null &&
    (user.pausedAt !== null) === (template === "djoser_activation");
  const found = await transact(deps, async (tx) => {
    const users = (await findByAddress(tx, canonical)).filter(isMeant);
    await sendLinks(tx, deps, template, { address, users });
    return users.length > 0;
  });
  return { kind: found ? "sent" : "nobody" };
}
