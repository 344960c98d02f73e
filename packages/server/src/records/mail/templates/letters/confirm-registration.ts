import { contents } from "../contents.ts";
import { button, code, paragraph } from "../letter.ts";
import { codeAndLinkTo, template } from "../template.ts";

/**
 * The page behind the link asks for the password, because access to the mailbox alone does not
 * prove who registered (RG-02).
 */
export const confirmRegistration = template(
  contents.confirm_registration,
  codeAndLinkTo("/confirm"),
  {
    en: (f) => ({
      subject: `Your code for ${f.serviceName}`,
      blocks: [
        paragraph(
          `You are almost there. Enter this code where you signed up for ${f.serviceName}:`,
        ),
        code(f.code),
        paragraph(
          `The code is valid for ${f.codeValidity}. Do not give it to anyone; we will never ask you for it.`,
        ),
        paragraph("Or open this link and enter the password you chose:"),
        button(f.link, "Confirm address"),
        paragraph(`The link is valid for ${f.linkValidity} and works once.`),
        paragraph("If you did not sign up, ignore this mail. Nothing will happen."),
      ],
    }),
    de: (f) => ({
      subject: `Ihr Code für ${f.serviceName}`,
      blocks: [
        paragraph(
          `Sie haben es fast geschafft. Geben Sie diesen Code dort ein, wo Sie sich bei ${f.serviceName} registriert haben:`,
        ),
        code(f.code),
        paragraph(
          `Der Code gilt ${f.codeValidity}. Geben Sie ihn nicht weiter; wir fragen Sie nie danach.`,
        ),
        paragraph(
          "Oder öffnen Sie diesen Link und geben Sie das Passwort ein, das Sie gewählt haben:",
        ),
        button(f.link, "Adresse bestätigen"),
        paragraph(`Der Link gilt ${f.linkValidity} und funktioniert nur einmal.`),
        paragraph(
          "Wenn Sie sich nicht registriert haben, ignorieren Sie diese E-Mail einfach. Es passiert dann nichts.",
        ),
      ],
    }),
  },
);
