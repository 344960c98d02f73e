import type { Tx } from "../../../platform/db/open.ts";
import { enqueueMail, type MailBy } from "../../../records/mail/mail.ts";
import { notify } from "../../../records/mail/notices.ts";
import { take } from "../../../records/attempts/attempts.store.ts";
import { mailsTo } from "../../../records/attempts/budgets.ts";
import { readAddress } from "../../../accounts/users/address.ts";
import type { Also } from "../account/create-account.ts";
import { mailedToken, type MailedTokenKind } from "../account/mailed-token.ts";
import type { User } from "../../../accounts/users/users.store.ts";
import { uidOf } from "./account.ts";
import type { DjoserDeps, LinkSettings } from "./deps.ts";
import type { djoserTemplates } from "./letters/templates.ts";

type DjoserTemplates = typeof djoserTemplates;

export type LinkLetter = "djoser_activation" | "djoser_password_reset" | "djoser_username_reset";
type NewsLetter = "djoser_confirmation" | "djoser_password_changed" | "djoser_username_changed";

const links: Readonly<
  Record<
    LinkLetter,
    { readonly kind: MailedTokenKind; readonly path: Exclude<keyof LinkSettings, "frontendUrl"> }
  >
> = {
  djoser_activation: { kind: "activation", path: "activation" },
  djoser_password_reset: { kind: "password", path: "passwordReset" },
  djoser_username_reset: { kind: "name", path: "nameReset" },
};

/** Mails a link, if the address has not been sent too many mails (RG-15). */
export const linkLetter =
  (deps: DjoserDeps, template: LinkLetter): Also =>
  async (tx, user) => {
    const recipient = recipientOf(user);
    if (recipient !== undefined && (await mayMail(tx, deps, recipient)))
      await enqueueMail<DjoserTemplates>(tx, deps, mailOf(deps, template, user, recipient));
  };

/**
 * Mails the link to each of the users. Without users it does the same work without sending mail, so
 * that timing reveals nothing (EN-04).
 */
export async function sendLinks(
  tx: Tx,
  deps: DjoserDeps,
  template: LinkLetter,
  { address, users }: { readonly address: string; readonly users: readonly User[] },
): Promise<void> {
  for (const user of users) await linkLetter(deps, template)(tx, user);
  if (users.length === 0 && (await mayMail(tx, deps, address)))
    await enqueueMail(tx, deps, "nothing");
}

/**
 * Tells of what has happened to an account. Strangers can cause such a mail by creating an account,
 * so an address that is not confirmed has a budget.
 */
export const newsLetter =
  (deps: DjoserDeps, template: NewsLetter): Also =>
  async (tx, user) => {
    const recipient = recipientOf(user);
    if (
      recipient === undefined ||
      (user.emailVerifiedAt === null && !(await mayMail(tx, deps, recipient)))
    )
      return;
    const data = { username: user.username ?? "", isConfirmed: user.emailVerifiedAt !== null };
    await enqueueMail<DjoserTemplates>(tx, deps, {
      recipient,
      locale: user.locale,
      template,
      data,
    });
  };

/**
 * Sends Djoser's own mail if it is configured, and otherwise the one that a confirmed address gets
 * in any case (LG-14).
 */
export const tellOfNewPassword =
  (deps: DjoserDeps): Also =>
  async (tx, user) => {
    if (deps.djoser.confirmPasswordChange)
      return newsLetter(deps, "djoser_password_changed")(tx, user);
    await notify(tx, deps, user, { template: "password_changed", data: { at: deps.clock.now() } });
  };

export const nothingElse: Also = async () => {};

/**
 * Returns `undefined` if no mail can be sent to the address. Other faces accept addresses that only
 * identify an account, such as those at localhost.
 */
function recipientOf({ email }: User): string | undefined {
  return email !== null && readAddress(email).kind === "address" ? email : undefined;
}

function mailOf(
  deps: DjoserDeps,
  template: LinkLetter,
  user: User,
  recipient: string,
): MailBy<DjoserTemplates> {
  const { kind, path } = links[template];
  const { frontendUrl, [path]: pattern } = deps.djoser.links;
  const place = pattern
    .replace(/^\//, "")
    .replace("{uid}", uidOf(deps, user))
    .replace("{token}", mailedToken(deps, kind, user));
  const expiresAt = deps.clock.now() + deps.mailedTokenSeconds;
  const data = {
    username: user.username ?? "",
    isConfirmed: user.emailVerifiedAt !== null,
    link: `${frontendUrl.replace(/\/$/, "")}/${place}`,
    linkExpiresAt: expiresAt,
  };
  return { recipient, locale: user.locale, template, data, expiresAt };
}

async function mayMail(
  tx: Tx,
  deps: Pick<DjoserDeps, "keyring" | "clock">,
  address: string,
): Promise<boolean> {
  const bucket = deps.keyring.mac("throttle-bucket", address.toLowerCase()).toString("base64url");
  return (await take(tx, mailsTo(bucket), deps.clock.now())).kind === "taken";
}
