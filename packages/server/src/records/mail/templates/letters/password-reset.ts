import { contents } from "../contents.ts";
import { button, code, paragraph } from "../letter.ts";
import { codeAndLinkTo, template } from "../template.ts";

/**
 * Asked for by the reader, by an operator, or by taking back a change of address: the words fit all
 * three.
 */
export const passwordReset = template(contents.password_reset, codeAndLinkTo("/reset"), {
  en: (f) => ({
    subject: `Set a new password for ${f.serviceName}`,
    blocks: [
      paragraph(
        `To set a new password for your account at ${f.serviceName}, enter this code where you are asked for it:`,
      ),
      code(f.code),
      paragraph(
        `The code is valid for ${f.codeValidity}. Do not give it to anyone; we will never ask you for it.`,
      ),
      paragraph("Or open this link and choose your new password there:"),
      button(f.link, "Set a new password"),
      paragraph(`The link is valid for ${f.linkValidity} and works once.`),
      paragraph("If you did not ask for this, ignore this mail. Your account stays as it is."),
    ],
  }),
  de: (f) => ({
    subject: `Neues Passwort für ${f.serviceName}`,
    blocks: [
      paragraph(
        `Um ein neues Passwort für Ihr Konto bei ${f.serviceName} festzulegen, geben Sie diesen Code dort ein, wo Sie danach gefragt werden:`,
      ),
      code(f.code),
      paragraph(
        `Der Code gilt ${f.codeValidity}. Geben Sie ihn nicht weiter; wir fragen Sie nie danach.`,
      ),
      paragraph("Oder öffnen Sie diesen Link und wählen Sie dort Ihr neues Passwort:"),
      button(f.link, "Neues Passwort festlegen"),
      paragraph(`Der Link gilt ${f.linkValidity} und funktioniert nur einmal.`),
      paragraph(
        "Wenn Sie das nicht angefordert haben, ignorieren Sie diese E-Mail einfach. An Ihrem Konto ändert sich dann nichts.",
      ),
    ],
  }),
});
