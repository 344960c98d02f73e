import { contents } from "../contents.ts";
import { paragraph } from "../letter.ts";
import { template, whenOf } from "../template.ts";

export const passwordChanged = template(contents.password_changed, whenOf, {
  en: (f) => ({
    subject: `Your password for ${f.serviceName} has been changed`,
    blocks: [
      paragraph(`On ${f.when}, the password of your account at ${f.serviceName} was changed.`),
      paragraph("If it was you, there is nothing to do."),
      paragraph(
        "If it was not you, someone else may have access to your account. Where you sign in, say that you have forgotten your password, and set a new one right away. That also signs out everyone else.",
      ),
    ],
  }),
  de: (f) => ({
    subject: `Ihr Passwort für ${f.serviceName} wurde geändert`,
    blocks: [
      paragraph(`Am ${f.when} wurde das Passwort Ihres Kontos bei ${f.serviceName} geändert.`),
      paragraph("Wenn Sie das waren, brauchen Sie nichts zu tun."),
      paragraph(
        "Wenn Sie das nicht waren, hat vielleicht jemand anderes Zugriff auf Ihr Konto. Geben Sie bei der Anmeldung an, dass Sie Ihr Passwort vergessen haben, und legen Sie sofort ein neues fest. Damit werden auch alle anderen abgemeldet.",
      ),
    ],
  }),
});
