import { formPage } from "./form.ts";
import type { Page } from "../../platform/http/page.ts";
import type { Random } from "../../platform/kernel/random.ts";

/** `/setup#<token>`, the page that the link printed at the first start opens. */
export function setupPage(random: Random): Page {
  return formPage(random, {
    name: "setup",
    path: "/setup",
    post: { path: "/v1/setup", tokenMember: "setupToken" },
    fields: { email: "email", password: "new_password" },
    words: {
      en: {
        title: "Set up Portcullis",
        explanation: "Create the first superuser. This link works once.",
        labels: { email: "E-mail address", password: "Password" },
        button: "Create superuser",
        done: "The superuser has been created. You can close this page and sign in.",
        withoutScript:
          "This page needs JavaScript. Without it, run portcullis createsuperuser on the server.",
        refusals: {
          incomplete: "The link is incomplete. Copy all of it from where the server printed it.",
          setup_closed:
            "This link is incomplete, expired or used already. Restart the server to get a new one.",
          invalid_input: "This is not an e-mail address we can use.",
        },
      },
      de: {
        title: "Portcullis einrichten",
        explanation: "Legen Sie das erste Konto mit allen Rechten an. Dieser Link gilt einmal.",
        labels: { email: "E-Mail-Adresse", password: "Passwort" },
        button: "Konto anlegen",
        done: "Das Konto mit allen Rechten ist angelegt. Sie können diese Seite schließen und sich anmelden.",
        withoutScript:
          "Diese Seite braucht JavaScript. Ohne geht es auf dem Server mit portcullis createsuperuser.",
        refusals: {
          incomplete:
            "Der Link ist unvollständig. Kopieren Sie ihn ganz von dort, wo der Server ihn ausgegeben hat.",
          setup_closed:
            "Dieser Link ist unvollständig, abgelaufen oder schon benutzt. Nach einem Neustart des Servers gibt es einen neuen.",
          invalid_input: "Diese E-Mail-Adresse können wir nicht verwenden.",
        },
      },
    },
  });
}
