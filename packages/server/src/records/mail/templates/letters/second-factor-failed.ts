import { contents } from "../contents.ts";
import { details, paragraph } from "../letter.ts";
import { clientOf, template } from "../template.ts";

export const secondFactorFailed = template(contents.second_factor_failed, clientOf, {
  en: (f) => ({
    subject: `Someone entered your password for ${f.serviceName}`,
    blocks: [
      paragraph(
        `Someone entered the right password for your account at ${f.serviceName} but failed at the second step. They did not get in.`,
      ),
      details({ Time: f.when, "IP address": f.address, Device: f.userAgent }),
      paragraph("If it was you, just try again."),
      paragraph("If it was not you, someone knows your password. Change it right away."),
    ],
  }),
  de: (f) => ({
    subject: `Jemand hat Ihr Passwort für ${f.serviceName} eingegeben`,
    blocks: [
      paragraph(
        `Jemand hat das richtige Passwort für Ihr Konto bei ${f.serviceName} eingegeben, ist aber am zweiten Schritt gescheitert und wurde nicht angemeldet.`,
      ),
      details({ Zeitpunkt: f.when, "IP-Adresse": f.address, Gerät: f.userAgent }),
      paragraph("Wenn Sie das waren, versuchen Sie es einfach noch einmal."),
      paragraph("Wenn Sie das nicht waren, kennt jemand Ihr Passwort. Ändern Sie es sofort."),
    ],
  }),
});
