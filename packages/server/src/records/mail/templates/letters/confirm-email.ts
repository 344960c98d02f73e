import { contents } from "../contents.ts";
import { button, code, paragraph } from "../letter.ts";
import { codeAndLinkTo, template } from "../template.ts";

export const confirmEmail = template(contents.confirm_email, codeAndLinkTo("/email"), {
  en: (f) => ({
    subject: `Confirm your e-mail address for ${f.serviceName}`,
    blocks: [
      paragraph(
        `To use this e-mail address for your account at ${f.serviceName}, enter this code where you are asked for it:`,
      ),
      code(f.code),
      paragraph(
        `The code is valid for ${f.codeValidity}. Do not give it to anyone; we will never ask you for it.`,
      ),
      paragraph("Or open this link and enter the password of your account:"),
      button(f.link, "Confirm address"),
      paragraph(`The link is valid for ${f.linkValidity} and works once.`),
      paragraph("If you do not know what this is about, ignore this mail. Nothing will change."),
    ],
  }),
  de: (f) => ({
    subject: `Bestätigen Sie Ihre E-Mail-Adresse für ${f.serviceName}`,
    blocks: [
      paragraph(
        `Um diese E-Mail-Adresse für Ihr Konto bei ${f.serviceName} zu verwenden, geben Sie diesen Code dort ein, wo Sie danach gefragt werden:`,
      ),
      code(f.code),
      paragraph(
        `Der Code gilt ${f.codeValidity}. Geben Sie ihn nicht weiter; wir fragen Sie nie danach.`,
      ),
      paragraph("Oder öffnen Sie diesen Link und geben Sie das Passwort Ihres Kontos ein:"),
      button(f.link, "Adresse bestätigen"),
      paragraph(`Der Link gilt ${f.linkValidity} und funktioniert nur einmal.`),
      paragraph(
        "Wenn Sie nicht wissen, worum es geht, ignorieren Sie diese E-Mail einfach. Es ändert sich dann nichts.",
      ),
    ],
  }),
});
