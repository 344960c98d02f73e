import { contents } from "../contents.ts";
import { paragraph } from "../letter.ts";
import { factorOf, template } from "../template.ts";
import { factorName } from "./factor-words.ts";

export const factorRemoved = template(contents.factor_removed, factorOf, {
  en: (f) => ({
    subject: `A second step was removed from your sign-in at ${f.serviceName}`,
    blocks: [
      paragraph(
        `On ${f.when}, a second step for signing in was removed from your account at ${f.serviceName}: ${factorName(f.factor, "en")}.`,
      ),
      paragraph("If it was you, there is nothing to do."),
      paragraph("If it was not you, change your password right away and set this step up again."),
    ],
  }),
  de: (f) => ({
    subject: `Zweiter Schritt für Ihre Anmeldung bei ${f.serviceName} entfernt`,
    blocks: [
      paragraph(
        `Am ${f.when} wurde aus Ihrem Konto bei ${f.serviceName} ein zweiter Schritt für die Anmeldung entfernt: ${factorName(f.factor, "de")}.`,
      ),
      paragraph("Wenn Sie das waren, brauchen Sie nichts zu tun."),
      paragraph(
        "Wenn Sie das nicht waren, ändern Sie sofort Ihr Passwort und richten Sie diesen Schritt neu ein.",
      ),
    ],
  }),
});
