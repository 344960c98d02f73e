import { contents } from "../contents.ts";
import { paragraph } from "../letter.ts";
import { nothingElse, template } from "../template.ts";

/**
 * A registered address gets this instead of a code, so that the person who asked learns nothing.
 */
export const alreadyRegistered = template(contents.already_registered, nothingElse, {
  en: (f) => ({
    subject: `You already have an account at ${f.serviceName}`,
    blocks: [
      paragraph(
        `Someone, probably you, tried to sign up at ${f.serviceName} with this e-mail address. It already has an account, so we did not create another one.`,
      ),
      paragraph(
        "If it was you, just sign in. If you have forgotten your password, you can ask for a new one where you sign in.",
      ),
      paragraph("If it was not you, there is nothing to do."),
    ],
  }),
  de: (f) => ({
    subject: `Sie haben schon ein Konto bei ${f.serviceName}`,
    blocks: [
      paragraph(
        `Jemand, vermutlich Sie selbst, wollte sich mit dieser E-Mail-Adresse bei ${f.serviceName} registrieren. Zu der Adresse gibt es schon ein Konto, deshalb haben wir kein neues angelegt.`,
      ),
      paragraph(
        "Wenn Sie das waren, melden Sie sich einfach an. Haben Sie Ihr Passwort vergessen, können Sie bei der Anmeldung ein neues anfordern.",
      ),
      paragraph("Wenn Sie das nicht waren, brauchen Sie nichts zu tun."),
    ],
  }),
});
