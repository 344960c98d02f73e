import { formPage } from "./form.ts";
import type { Page } from "../../platform/http/page.ts";
import type { Random } from "../../platform/kernel/random.ts";

/** `/confirm#<token>`, the page that the link in the mail of a registration opens. */
export function confirmPage(random: Random): Page {
  return formPage(random, {
    name: "confirm",
    path: "/confirm",
    post: { path: "/v1/users/confirm/link", tokenMember: "token" },
    fields: { password: "current_password" },
    words: {
      en: {
        title: "Confirm your e-mail address",
        explanation:
          "Type the password you chose when you registered: it shows that the registration is yours. If you did not register, close this page, and nothing happens.",
        labels: { password: "Password" },
        button: "Confirm",
        done: "Your address is confirmed. Go back to where you registered and sign in.",
        withoutScript:
          "This page needs JavaScript. Without it, type the code from the mail where you registered.",
        refusals: {
          link_used:
            "This address has been confirmed already. Go back to where you registered and sign in.",
          link_expired: "This link has expired. Register again to get a new one.",
          link_void:
            "This link no longer works: there is a newer mail, the address was confirmed another way, or the password was wrong too often. Use the newest mail, sign in, or register again.",
          wrong_password: "This is not the password of this registration. Try again.",
          username_taken:
            "Your username belongs to somebody else by now. Register again with another one.",
          registration_closed: "Registration has been closed.",
        },
      },
      de: {
        title: "E-Mail-Adresse bestätigen",
        explanation:
          "Geben Sie das Passwort ein, das Sie bei der Registrierung gewählt haben: Es zeigt, dass die Registrierung Ihre ist. Haben Sie sich nicht registriert, schließen Sie diese Seite, und nichts geschieht.",
        labels: { password: "Passwort" },
        button: "Bestätigen",
        done: "Ihre Adresse ist bestätigt. Gehen Sie dorthin zurück, wo Sie sich registriert haben, und melden Sie sich an.",
        withoutScript:
          "Diese Seite braucht JavaScript. Ohne geben Sie den Code aus der E-Mail dort ein, wo Sie sich registriert haben.",
        refusals: {
          link_used:
            "Diese Adresse wurde schon bestätigt. Gehen Sie dorthin zurück, wo Sie sich registriert haben, und melden Sie sich an.",
          link_expired:
            "Dieser Link ist abgelaufen. Registrieren Sie sich noch einmal, um einen neuen zu bekommen.",
          link_void:
            "Dieser Link gilt nicht mehr: Es gibt eine neuere E-Mail, die Adresse wurde anders bestätigt, oder das Passwort war zu oft falsch. Benutzen Sie die neueste E-Mail, melden Sie sich an oder registrieren Sie sich noch einmal.",
          wrong_password:
            "Das ist nicht das Passwort dieser Registrierung. Versuchen Sie es noch einmal.",
          username_taken:
            "Ihr Benutzername gehört inzwischen jemand anderem. Registrieren Sie sich noch einmal mit einem anderen.",
          registration_closed: "Die Registrierung ist geschlossen.",
        },
      },
    },
  });
}
