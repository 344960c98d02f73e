import { contents } from "../contents.ts";
import { details, paragraph } from "../letter.ts";
import { clientOf, template } from "../template.ts";

/** The client is the one that came second, thief or owner. */
export const refreshReused = template(contents.refresh_reused, clientOf, {
  en: (f) => ({
    subject: `We signed one of your devices out of ${f.serviceName}`,
    blocks: [
      paragraph(
        `The same sign-in to your account at ${f.serviceName} was used in two places. Someone may have copied it, so we ended it. It can also have a technical cause, such as a restored backup. This is what we know about the second use:`,
      ),
      details({ Time: f.when, "IP address": f.address, Device: f.userAgent }),
      paragraph("Please sign in again on your device."),
      paragraph(
        "If this means nothing to you, or if it happens again, change your password right away. That also signs out everyone else.",
      ),
    ],
  }),
  de: (f) => ({
    subject: `Wir haben eines Ihrer Geräte bei ${f.serviceName} abgemeldet`,
    blocks: [
      paragraph(
        `Dieselbe Anmeldung in Ihrem Konto bei ${f.serviceName} wurde an zwei Stellen benutzt. Vielleicht hat jemand sie kopiert, deshalb haben wir sie beendet. Es kann auch eine technische Ursache haben, etwa ein wiederhergestelltes Backup. Das wissen wir über die zweite Stelle:`,
      ),
      details({ Zeitpunkt: f.when, "IP-Adresse": f.address, Gerät: f.userAgent }),
      paragraph("Bitte melden Sie sich auf Ihrem Gerät neu an."),
      paragraph(
        "Wenn Ihnen diese Angaben nichts sagen oder es wieder vorkommt, ändern Sie sofort Ihr Passwort. Damit werden auch alle anderen abgemeldet.",
      ),
    ],
  }),
});
