import { paragraph } from "../../../../records/mail/templates/letter.ts";
import { template } from "../../../../records/mail/templates/template.ts";
import { accountName, contents } from "./contents.ts";

export const djoserPasswordChanged = template(contents.password_changed, accountName, {
  en: (f) => ({
    subject: `${f.serviceName} - Your password has been successfully changed!`,
    blocks: [
      paragraph(`The password of your account at ${f.serviceName} has been changed.`),
      paragraph("If it was you, there is nothing to do."),
      paragraph(
        "If it was not you, someone else may have access to your account. Where you sign in, say that you have forgotten your password, and set a new one right away. That also signs out everyone else.",
      ),
    ],
  }),
  de: (f) => ({
    subject: `${f.serviceName} – Ihr Passwort wurde geändert`,
    blocks: [
      paragraph(`Das Passwort Ihres Kontos bei ${f.serviceName} wurde geändert.`),
      paragraph("Wenn Sie das waren, brauchen Sie nichts zu tun."),
      paragraph(
        "Wenn Sie das nicht waren, hat vielleicht jemand anderes Zugriff auf Ihr Konto. Geben Sie bei der Anmeldung an, dass Sie Ihr Passwort vergessen haben, und legen Sie sofort ein neues fest. Damit werden auch alle anderen abgemeldet.",
      ),
    ],
  }),
});
