import { contents } from "../contents.ts";
import { paragraph } from "../letter.ts";
import { factorOf, template } from "../template.ts";
import { factorName } from "./factor-words.ts";

export const factorAdded = template(contents.factor_added, factorOf, {
  en: (f) => ({
    subject: `A second step was added to your sign-in at ${f.serviceName}`,
    blocks: [
      paragraph(
        `On ${f.when}, a second step for signing in was added to your account at ${f.serviceName}: ${factorName(f.factor, "en")}.`,
      ),
      paragraph("If it was you, there is nothing to do."),
      paragraph(
        "If it was not you, change your password right away and remove this step from your account. If you cannot sign in any more, get in touch with us.",
      ),
    ],
  }),
  de: (f) => ({
    subject: `Neuer zweiter Schritt für Ihre Anmeldung bei ${f.serviceName}`,
    blocks: [
      paragraph(
        `Am ${f.when} wurde in Ihrem Konto bei ${f.serviceName} ein zweiter Schritt für die Anmeldung eingerichtet: ${factorName(f.factor, "de")}.`,
      ),
      paragraph("Wenn Sie das waren, brauchen Sie nichts zu tun."),
      paragraph(
        "Wenn Sie das nicht waren, ändern Sie sofort Ihr Passwort und entfernen Sie diesen Schritt aus Ihrem Konto. Können Sie sich nicht mehr anmelden, wenden Sie sich an uns.",
      ),
    ],
  }),
});
