import { button, paragraph } from "../../../../records/mail/templates/letter.ts";
import { template } from "../../../../records/mail/templates/template.ts";
import { accountLink, contents } from "./contents.ts";

export const djoserActivation = template(contents.activation, accountLink, {
  en: (f) => ({
    subject: `Account activation on ${f.serviceName}`,
    blocks: [
      paragraph(
        `You are getting this mail because your account at ${f.serviceName} waits for its activation.`,
      ),
      paragraph("Open this link to activate it:"),
      button(f.link, "Activate account"),
      paragraph(`The link is valid for ${f.linkValidity}.`),
      paragraph(
        "If you did not sign up, do not open it. Whoever did could then use the account with your address.",
      ),
    ],
  }),
  de: (f) => ({
    subject: `Ihr Konto bei ${f.serviceName} aktivieren`,
    blocks: [
      paragraph(
        `Sie erhalten diese E-Mail, weil Ihr Konto bei ${f.serviceName} auf seine Aktivierung wartet.`,
      ),
      paragraph("Öffnen Sie diesen Link, um es zu aktivieren:"),
      button(f.link, "Konto aktivieren"),
      paragraph(`Der Link gilt ${f.linkValidity}.`),
      paragraph(
        "Wenn Sie sich nicht registriert haben, öffnen Sie ihn nicht. Wer es getan hat, könnte das Konto sonst mit Ihrer Adresse benutzen.",
      ),
    ],
  }),
});
