import { contents } from "../contents.ts";
import { paragraph } from "../letter.ts";
import { nothingElse, template } from "../template.ts";

/** To the owner of the address; the one who asked learns nothing (EN-05). */
export const emailInUse = template(contents.email_in_use, nothingElse, {
  en: (f) => ({
    subject: `This address already has an account at ${f.serviceName}`,
    blocks: [
      paragraph(
        `Someone wanted to change the e-mail address of another account at ${f.serviceName} to yours. Your address already belongs to your account, so nothing was changed.`,
      ),
      paragraph(
        "If it was you and you want to use this address for the other account, first give the account that has it a different one.",
      ),
      paragraph("If it was not you, there is nothing to do."),
    ],
  }),
  de: (f) => ({
    subject: `Diese Adresse gehört schon zu einem Konto bei ${f.serviceName}`,
    blocks: [
      paragraph(
        `Jemand wollte bei ${f.serviceName} für ein anderes Konto Ihre E-Mail-Adresse eintragen. Sie gehört aber schon zu Ihrem Konto, deshalb wurde nichts geändert.`,
      ),
      paragraph(
        "Wenn Sie das waren und die Adresse für das andere Konto verwenden möchten, tragen Sie in Ihrem bisherigen Konto zuerst eine andere ein.",
      ),
      paragraph("Wenn Sie das nicht waren, brauchen Sie nichts zu tun."),
    ],
  }),
});
