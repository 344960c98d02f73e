import { button, details, paragraph } from "../../../../records/mail/templates/letter.ts";
import { template } from "../../../../records/mail/templates/template.ts";
import { accountLink, contents } from "./contents.ts";

/** If users log in by e-mail address, there is no username, and the link changes the address. */
export const djoserUsernameReset = template(contents.username_reset, accountLink, {
  en: (f) => ({
    subject: `Username reset on ${f.serviceName}`,
    blocks: [
      paragraph(
        `You are getting this mail because another name to sign in with was asked for, for your account at ${f.serviceName}.`,
      ),
      paragraph("Open this link and choose one there:"),
      button(f.link, "Choose a new name"),
      paragraph(`The link is valid for ${f.linkValidity} and works once.`),
      details({ "Your username, in case you have forgotten it": f.username }),
      paragraph("If you did not ask for this, ignore this mail. Your account stays as it is."),
    ],
  }),
  de: (f) => ({
    subject: `Benutzernamen zurücksetzen bei ${f.serviceName}`,
    blocks: [
      paragraph(
        `Sie erhalten diese E-Mail, weil für Ihr Konto bei ${f.serviceName} ein anderer Anmeldename angefordert wurde.`,
      ),
      paragraph("Öffnen Sie diesen Link und wählen Sie ihn dort:"),
      button(f.link, "Neuen Namen wählen"),
      paragraph(`Der Link gilt ${f.linkValidity} und funktioniert nur einmal.`),
      details({ "Ihr Benutzername, falls Sie ihn vergessen haben": f.username }),
      paragraph(
        "Wenn Sie das nicht angefordert haben, ignorieren Sie diese E-Mail einfach. An Ihrem Konto ändert sich dann nichts.",
      ),
    ],
  }),
});
