import { contents } from "../contents.ts";
import { details, paragraph } from "../letter.ts";
import { clientOf, template } from "../template.ts";

export const newDevice = template(contents.new_device, clientOf, {
  en: (f) => ({
    subject: `New sign-in to your account at ${f.serviceName}`,
    blocks: [
      paragraph(
        `Someone signed in to your account at ${f.serviceName} on a device we have not seen before:`,
      ),
      details({ Time: f.when, "IP address": f.address, Device: f.userAgent }),
      paragraph("If it was you, there is nothing to do."),
      paragraph(
        "If it was not you, change your password right away. That also signs out everyone else.",
      ),
    ],
  }),
  de: (f) => ({
    subject: `Neue Anmeldung bei ${f.serviceName}`,
    blocks: [
      paragraph(
        `Jemand hat sich mit einem neuen Gerät in Ihrem Konto bei ${f.serviceName} angemeldet:`,
      ),
      details({ Zeitpunkt: f.when, "IP-Adresse": f.address, Gerät: f.userAgent }),
      paragraph("Wenn Sie das waren, brauchen Sie nichts zu tun."),
      paragraph(
        "Wenn Sie das nicht waren, ändern Sie sofort Ihr Passwort. Damit werden auch alle anderen abgemeldet.",
      ),
    ],
  }),
});
