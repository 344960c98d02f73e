import { details, paragraph } from "../../../../records/mail/templates/letter.ts";
import { template } from "../../../../records/mail/templates/template.ts";
import { accountName, contents } from "./contents.ts";

export const djoserUsernameChanged = template(contents.username_changed, accountName, {
  en: (f) => ({
    subject: `${f.serviceName} - Your username has been successfully changed!`,
    blocks: [
      paragraph(`The name that you sign in to ${f.serviceName} with has been changed.`),
      details({ "Your username": f.username }),
      paragraph(
        "If it was not you, someone else may have access to your account: set a new password right away.",
      ),
    ],
  }),
  de: (f) => ({
    subject: `${f.serviceName} – Ihr Benutzername wurde geändert`,
    blocks: [
      paragraph(
        `Der Name, mit dem Sie sich bei ${f.serviceName} anmelden, wurde geändert. Das ist alles, was sich geändert hat.`,
      ),
      details({ "Ihr Benutzername": f.username }),
      paragraph(
        "Wenn Sie das nicht waren, hat vielleicht jemand anderes Zugriff auf Ihr Konto: Legen Sie sofort ein neues Passwort fest.",
      ),
    ],
  }),
});
