import type { UnixSeconds } from "../../../../platform/kernel/clock.ts";
import { contents } from "../contents.ts";
import { button, paragraph } from "../letter.ts";
import { linkTo, template, whenOf, type Context } from "../template.ts";

interface Change {
  readonly at: UnixSeconds;
  readonly token: string;
  readonly linkExpiresAt: UnixSeconds;
}

const changeOf = (data: Change, context: Context) => ({
  ...whenOf(data, context),
  ...linkTo("/undo")(data, context),
});

/** To the old address. */
export const emailChanged = template(contents.email_changed, changeOf, {
  en: (f) => ({
    subject: `The e-mail address of your account at ${f.serviceName} has changed`,
    blocks: [
      paragraph(
        `On ${f.when}, the e-mail address of your account at ${f.serviceName} was changed. Mail about the account no longer goes to this address.`,
      ),
      paragraph("If it was you, there is nothing to do."),
      paragraph(
        "If it was not you, undo the change with this link. Your account gets this address back, everyone is signed out, and we send you a mail to set a new password.",
      ),
      button(f.link, "Undo the change"),
      paragraph(`The link is valid for ${f.linkValidity} and works once.`),
    ],
  }),
  de: (f) => ({
    subject: `Die E-Mail-Adresse Ihres Kontos bei ${f.serviceName} wurde geändert`,
    blocks: [
      paragraph(
        `Am ${f.when} wurde die E-Mail-Adresse Ihres Kontos bei ${f.serviceName} geändert. E-Mails zu Ihrem Konto gehen nicht mehr an diese Adresse.`,
      ),
      paragraph("Wenn Sie das waren, brauchen Sie nichts zu tun."),
      paragraph(
        "Wenn Sie das nicht waren, machen Sie die Änderung mit diesem Link rückgängig. Ihr Konto bekommt diese Adresse zurück, alle Geräte werden abgemeldet, und Sie erhalten eine E-Mail, mit der Sie ein neues Passwort festlegen können.",
      ),
      button(f.link, "Änderung rückgängig machen"),
      paragraph(`Der Link gilt ${f.linkValidity} und funktioniert nur einmal.`),
    ],
  }),
});
