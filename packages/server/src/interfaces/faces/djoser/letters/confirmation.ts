import { details, paragraph } from "../../../../records/mail/templates/letter.ts";
import { template } from "../../../../records/mail/templates/template.ts";
import { accountName, contents } from "./contents.ts";

export const djoserConfirmation = template(contents.confirmation, accountName, {
  en: (f) => ({
    subject: `${f.serviceName} - Your account has been successfully created and activated!`,
    blocks: [
      paragraph(`Your account at ${f.serviceName} has been created and is ready to use.`),
      details({ "Your username": f.username }),
      paragraph(
        "If you did not sign up, someone else has used your address. You can set a new password for the account with it.",
      ),
    ],
  }),
  de: (f) => ({
    subject: `${f.serviceName} – Ihr Konto ist eingerichtet und aktiviert`,
    blocks: [
      paragraph(`Ihr Konto bei ${f.serviceName} ist eingerichtet und kann benutzt werden.`),
      details({ "Ihr Benutzername": f.username }),
      paragraph(
        "Wenn Sie sich nicht registriert haben, hat jemand anderes Ihre Adresse angegeben. Sie können damit ein neues Passwort für das Konto festlegen.",
      ),
    ],
  }),
});
