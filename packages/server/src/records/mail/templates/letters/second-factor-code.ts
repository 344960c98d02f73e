import { contents } from "../contents.ts";
import { code, details, paragraph } from "../letter.ts";
import { codeAskedForBy, template } from "../template.ts";

/** The code serves to sign in, to step up, or to set the factor up. The words fit all three. */
export const secondFactorCode = template(contents.second_factor_code, codeAskedForBy, {
  en: (f) => ({
    subject: `Your code for ${f.serviceName}`,
    blocks: [
      paragraph(
        `To go on with the second step at ${f.serviceName}, enter this code where you are asked for it:`,
      ),
      code(f.code),
      paragraph(
        `The code is valid for ${f.codeValidity} and works once. Do not give it to anyone; we will never ask you for it.`,
      ),
      paragraph("It was asked for from here:"),
      details({ Time: f.when, "IP address": f.address, Device: f.userAgent }),
      paragraph("If it was not you, someone knows your password. Change it right away."),
    ],
  }),
  de: (f) => ({
    subject: `Ihr Code für ${f.serviceName}`,
    blocks: [
      paragraph(
        `Um mit dem zweiten Schritt bei ${f.serviceName} fortzufahren, geben Sie diesen Code dort ein, wo Sie danach gefragt werden:`,
      ),
      code(f.code),
      paragraph(
        `Der Code gilt ${f.codeValidity} und funktioniert nur einmal. Geben Sie ihn nicht weiter; wir fragen Sie nie danach.`,
      ),
      paragraph("Er wurde von hier aus angefordert:"),
      details({ Zeitpunkt: f.when, "IP-Adresse": f.address, Gerät: f.userAgent }),
      paragraph("Wenn Sie das nicht waren, kennt jemand Ihr Passwort. Ändern Sie es sofort."),
    ],
  }),
});
