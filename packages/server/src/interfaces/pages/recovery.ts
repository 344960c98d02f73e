import { formPage } from "./form.ts";
import type { Page } from "../../platform/http/page.ts";
import type { Random } from "../../platform/kernel/random.ts";

/** Serves the pages that the links in mail about resets and changes of address open. */
export function recoveryPages(random: Random): readonly Page[] {
  return [resetPage(random), emailPage(random), undoPage(random)];
}

function resetPage(random: Random): Page {
  return formPage(random, {
    name: "reset",
    path: "/reset",
    post: { path: "/v1/password-resets/confirm", tokenMember: "token" },
    fields: { newPassword: "new_password" },
    words: {
      en: {
        title: "Set a new password",
        explanation:
          "You will be signed out everywhere. If you did not ask for this, close this page, and nothing changes.",
        labels: { newPassword: "New password" },
        button: "Set password",
        done: "Your new password is set. Sign in with it.",
        withoutScript:
          "This page needs JavaScript. Without it, type the code from the mail where you asked for a new password.",
        refusals: {
          link_used:
            "This link has been used already. Sign in with the password you set, or ask for a new link.",
          link_expired: "This link has expired. Ask for a new one where you sign in.",
          link_void:
            "This link no longer works, because the password or the address has changed since. Ask for a new one where you sign in.",
        },
      },
      de: {
        title: "Neues Passwort festlegen",
        explanation:
          "Sie werden überall abgemeldet. Haben Sie das nicht angefordert, schließen Sie diese Seite, und nichts ändert sich.",
        labels: { newPassword: "Neues Passwort" },
        button: "Passwort festlegen",
        done: "Ihr neues Passwort gilt. Melden Sie sich damit an.",
        withoutScript:
          "Diese Seite braucht JavaScript. Ohne geben Sie den Code aus der E-Mail dort ein, wo Sie ein neues Passwort angefordert haben.",
        refusals: {
          link_used:
            "Dieser Link wurde schon benutzt. Melden Sie sich mit dem Passwort an, das Sie festgelegt haben, oder fordern Sie einen neuen Link an.",
          link_expired: "Dieser Link ist abgelaufen. Fordern Sie bei der Anmeldung einen neuen an.",
          link_void:
            "Dieser Link gilt nicht mehr, weil sich Passwort oder Adresse seitdem geändert haben. Fordern Sie bei der Anmeldung einen neuen an.",
        },
      },
    },
  });
}

function emailPage(random: Random): Page {
  return formPage(random, {
    name: "email",
    path: "/email",
    post: { path: "/v1/email-changes/confirm", tokenMember: "token" },
    fields: { password: "current_password" },
    words: {
      en: {
        title: "Confirm your new e-mail address",
        explanation:
          "Type the password of your account: it shows that the account is yours. If you did not ask for this, close this page, and nothing changes.",
        labels: { password: "Password" },
        button: "Confirm",
        done: "This is now the address of your account.",
        withoutScript:
          "This page needs JavaScript. Without it, type the code from the mail where you asked for the change.",
        refusals: {
          link_used: "This address has been confirmed already.",
          link_expired: "This link has expired. Start the change again.",
          link_void:
            "This link no longer works: there is a newer change, the password has changed, or it was typed wrong too often. Start the change again.",
          wrong_password: "This is not the password of the account. Try again.",
          email_taken: "Another account has this address by now. Choose another one.",
        },
      },
      de: {
        title: "Neue E-Mail-Adresse bestätigen",
        explanation:
          "Geben Sie das Passwort Ihres Kontos ein: Es zeigt, dass das Konto Ihres ist. Haben Sie das nicht angefordert, schließen Sie diese Seite, und nichts ändert sich.",
        labels: { password: "Passwort" },
        button: "Bestätigen",
        done: "Das ist jetzt die Adresse Ihres Kontos.",
        withoutScript:
          "Diese Seite braucht JavaScript. Ohne geben Sie den Code aus der E-Mail dort ein, wo Sie die Änderung begonnen haben.",
        refusals: {
          link_used: "Diese Adresse wurde schon bestätigt.",
          link_expired: "Dieser Link ist abgelaufen. Beginnen Sie die Änderung noch einmal.",
          link_void:
            "Dieser Link gilt nicht mehr: Es gibt eine neuere Änderung, das Passwort ist ein anderes, oder es wurde zu oft falsch eingegeben. Beginnen Sie die Änderung noch einmal.",
          wrong_password: "Das ist nicht das Passwort des Kontos. Versuchen Sie es noch einmal.",
          email_taken: "Diese Adresse hat inzwischen ein anderes Konto. Wählen Sie eine andere.",
        },
      },
    },
  });
}

function undoPage(random: Random): Page {
  return formPage(random, {
    name: "undo",
    path: "/undo",
    post: { path: "/v1/email-changes/undo", tokenMember: "token" },
    fields: {},
    words: {
      en: {
        title: "Take back the change of address",
        explanation:
          "This e-mail address becomes the address of your account again, everybody is signed out of it, and its password is removed. The mail that follows lets you set a new one. If you changed the address yourself, close this page.",
        labels: {},
        button: "Take it back",
        done: "Your account has this address again and everybody is signed out. We have sent you a mail: set a new password with it.",
        withoutScript: "This page needs JavaScript. Open the link in a browser that runs it.",
        refusals: {
          link_used:
            "The change has been taken back already. Look for the mail with which you set a new password.",
          link_expired:
            "This link has expired: a change can be taken back for three days. Ask the operator of this service for help.",
          link_void:
            "This link no longer works: an earlier change has been taken back, and this one with it.",
          email_taken:
            "Another account has this e-mail address by now. Ask for a new password for it; once it is deleted, open this link again.",
        },
      },
      de: {
        title: "Adressänderung zurücknehmen",
        explanation:
          "Diese E-Mail-Adresse wird wieder die Adresse Ihres Kontos, alle werden abgemeldet, und das Passwort wird gelöscht. Mit der E-Mail, die folgt, legen Sie ein neues fest. Haben Sie die Adresse selbst geändert, schließen Sie diese Seite.",
        labels: {},
        button: "Zurücknehmen",
        done: "Ihr Konto hat wieder diese Adresse, und alle sind abgemeldet. Wir haben Ihnen eine E-Mail geschickt: Legen Sie damit ein neues Passwort fest.",
        withoutScript:
          "Diese Seite braucht JavaScript. Öffnen Sie den Link in einem Browser, der es ausführt.",
        refusals: {
          link_used:
            "Die Änderung wurde schon zurückgenommen. Suchen Sie die E-Mail, mit der Sie ein neues Passwort festlegen.",
          link_expired:
            "Dieser Link ist abgelaufen: Zurücknehmen lässt sich eine Änderung drei Tage lang. Bitten Sie den Betreiber dieses Dienstes um Hilfe.",
          link_void:
            "Dieser Link gilt nicht mehr: Eine frühere Änderung wurde zurückgenommen und diese mit ihr.",
          email_taken:
            "Ein anderes Konto hat inzwischen diese E-Mail-Adresse. Fordern Sie dafür ein neues Passwort an; ist es gelöscht, öffnen Sie diesen Link noch einmal.",
        },
      },
    },
  });
}
