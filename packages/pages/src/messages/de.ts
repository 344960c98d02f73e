import type { Messages } from "./en.ts";

/** Die Wörter der Kontoseiten. `{name}` wird durch einen Wert ersetzt. */
export const de: Messages = {
  // ── Gemeinsames
  account: "Ihr Konto",
  skip: "Zum Inhalt springen",
  loading: "Wird geladen …",
  retry: "Noch einmal versuchen",
  cancel: "Abbrechen",
  save: "Speichern",
  saved: "Gespeichert.",
  remove: "Entfernen",
  rename: "Umbenennen",
  close: "Schließen",
  done: "Fertig",
  back: "Zurück",
  continue: "Weiter",
  copy: "Kopieren",
  copied: "Kopiert",
  colours: "Farben",
  coloursAuto: "Wie das System",
  coloursLight: "Hell",
  coloursDark: "Dunkel",
  notFound: "Diese Seite gibt es nicht",
  notFoundText: "Die Adresse ist vielleicht falsch geschrieben, oder die Seite ist umgezogen.",
  toAccount: "Zu Ihrem Konto",
  storageBlocked:
    "Ihr Browser sperrt Cookies und Speicher für diese Seite, deshalb können Sie nicht angemeldet bleiben. Erlauben Sie Cookies für diese Seite oder verlassen Sie den privaten Modus und laden Sie die Seite neu.",
  noPasskeys:
    "Dieser Browser unterstützt keine Passkeys. Benutzen Sie einen anderen, um einen hinzuzufügen.",
  menu: "Kontoseiten",

  // ── Felder
  email: "E-Mail-Adresse",
  identifier: "E-Mail-Adresse oder Benutzername",
  username: "Benutzername",
  password: "Passwort",
  newPassword: "Neues Passwort",
  currentPassword: "Jetziges Passwort",
  code: "Code",
  showPassword: "Passwort zeigen oder verbergen",
  passwordHint: "Mindestens {count} Zeichen. Drei oder vier zufällige Wörter sind gut.",
  usernameHint: "Freiwillig. Buchstaben, Ziffern, Punkt, Binde- und Unterstrich.",
  required: "Bitte füllen Sie das aus.",
  emailInvalid: "Das ist keine E-Mail-Adresse. Sie sieht aus wie name@example.com.",
  codeInvalid: "Der Code hat {count} Ziffern.",

  // ── Anmelden
  signIn: "Anmelden",
  signInTo: "Bei {service} anmelden",
  keepSignedIn: "Angemeldet bleiben",
  keepHint: "Nicht an einem Computer, den auch andere benutzen.",
  forgotten: "Passwort vergessen?",
  noAccount: "Noch kein Konto?",
  register: "Registrieren",
  or: "oder",
  passkeySignIn: "Mit Passkey anmelden",
  passkeyCancelled:
    "Es wurde kein Passkey benutzt. Versuchen Sie es noch einmal oder melden Sie sich mit dem Passwort an.",
  secondStep: "Noch ein Schritt",
  secondStepText: "Das Passwort stimmt. Zeigen Sie jetzt, dass Sie es sind.",
  chooseFactor: "Anders bestätigen",
  factor_totp: "Code aus der Authenticator-App",
  factor_email: "Code per E-Mail",
  factor_passkey: "Passkey",
  factor_recovery_codes: "Wiederherstellungscode",
  totpText: "Geben Sie die sechs Ziffern ein, die Ihre Authenticator-App jetzt zeigt.",
  emailCodeText: "Geben Sie den Code ein, den wir Ihnen gemailt haben.",
  recoveryText: "Geben Sie einen Ihrer Wiederherstellungscodes ein. Jeder gilt einmal.",
  passkeyText: "Ihr Browser fragt nach dem Passkey.",
  usePasskey: "Passkey benutzen",
  sendCode: "Code zuschicken",
  sendAgain: "Noch einmal schicken",
  codeSent: "Wir haben Ihnen einen Code gemailt.",
  rememberDevice: "Auf diesem Gerät {count} Tage lang nicht danach fragen",
  recoveryLeft: "Sie haben noch {count} Wiederherstellungscodes.",
  enrolTitle: "Ein zweiter Schritt ist nötig",
  enrolText: "Dieses Konto muss einen zweiten Schritt haben. Richten Sie jetzt einen ein.",
  signOut: "Abmelden",

  // ── Registrieren
  registerAt: "Bei {service} registrieren",
  haveAccount: "Haben Sie schon ein Konto?",
  registrationClosed: "Die Registrierung ist geschlossen",
  registrationClosedText: "Konten legt der Betreiber dieses Dienstes an.",
  confirmTitle: "E-Mail-Adresse bestätigen",
  confirmText:
    "Wir haben einen Code an {email} geschickt. Geben Sie ihn hier ein oder öffnen Sie den Link in der E-Mail.",
  confirm: "Bestätigen",
  confirmed: "Ihr Konto ist bereit. Melden Sie sich damit an.",
  otherAddress: "Andere Adresse benutzen",
  resent: "Ein neuer Code ist unterwegs. Der alte gilt nicht mehr.",
  confirmedElsewhere: "Ihre Adresse ist bestätigt. Melden Sie sich jetzt an.",

  // ── Passwort vergessen
  resetTitle: "Neues Passwort festlegen",
  forgottenTitle: "Passwort vergessen",
  forgottenText:
    "Wir schicken Ihnen einen Code und einen Link, mit denen Sie ein neues Passwort festlegen.",
  forgottenSent:
    "Gehört {email} zu einem Konto, ist eine E-Mail mit einem Code unterwegs. Geben Sie ihn hier ein oder öffnen Sie den Link in der E-Mail.",
  forgottenEverywhere: "Sie werden auf allen Geräten abgemeldet.",
  setPassword: "Passwort festlegen",
  resetDone: "Ihr neues Passwort gilt. Melden Sie sich damit an.",

  // ── Seiten, die Links in E-Mails öffnen
  confirmLinkText:
    "Geben Sie das Passwort ein, das Sie bei der Registrierung gewählt haben: Es zeigt, dass die Registrierung Ihre ist. Haben Sie sich nicht registriert, schließen Sie diese Seite, und nichts geschieht.",
  resetLinkText:
    "Sie werden überall abgemeldet. Haben Sie das nicht angefordert, schließen Sie diese Seite, und nichts ändert sich.",
  emailLinkTitle: "Neue E-Mail-Adresse bestätigen",
  emailLinkText:
    "Geben Sie das Passwort Ihres Kontos ein: Es zeigt, dass das Konto Ihres ist. Haben Sie das nicht angefordert, schließen Sie diese Seite, und nichts ändert sich.",
  emailLinkDone: "Das ist jetzt die Adresse Ihres Kontos.",
  undoTitle: "Adressänderung zurücknehmen",
  undoText:
    "Diese E-Mail-Adresse wird wieder die Adresse Ihres Kontos, alle werden abgemeldet, und das Passwort wird gelöscht. Mit der E-Mail, die folgt, legen Sie ein neues fest. Haben Sie die Adresse selbst geändert, schließen Sie diese Seite.",
  undo: "Zurücknehmen",
  undoDone:
    "Ihr Konto hat wieder diese Adresse, und alle sind abgemeldet. Wir haben Ihnen eine E-Mail geschickt: Legen Sie damit ein neues Passwort fest.",
  setupTitle: "Portcullis einrichten",
  setupText: "Legen Sie das erste Konto mit allen Rechten an. Dieser Link gilt einmal.",
  setupButton: "Konto anlegen",
  setupDone: "Das Konto mit allen Rechten ist angelegt. Sie können sich jetzt anmelden.",

  // ── Abgemeldet
  signedOut: "Sie sind abgemeldet",
  cause_logout: "Sie haben sich abgemeldet.",
  cause_logout_other_device: "Sie haben dieses Gerät von einem anderen aus abgemeldet.",
  cause_logout_everywhere: "Sie haben sich auf allen Geräten abgemeldet.",
  cause_password_changed:
    "Das Passwort wurde auf einem anderen Gerät geändert. Waren Sie das nicht, legen Sie jetzt ein neues fest.",
  cause_password_reset:
    "Das Passwort wurde mit einer E-Mail neu festgelegt. Waren Sie das nicht, legen Sie jetzt ein neues fest.",
  cause_refresh_reused:
    "Die Sitzung dieses Browsers wurde an zwei Orten benutzt und könnte gestohlen sein. Wir haben sie beendet, um Ihr Konto zu schützen.",
  cause_refresh_ahead: "Der Server kennt diese Sitzung nicht mehr. Bitte melden Sie sich neu an.",
  cause_idle: "Sie waren lange nicht hier.",
  cause_expired: "Ihre Anmeldung liegt lange zurück. Bitte melden Sie sich neu an.",
  cause_user_disabled: "Dieses Konto wurde gesperrt. Fragen Sie den Betreiber dieses Dienstes.",
  cause_user_deleted: "Dieses Konto wurde gelöscht.",
  cause_admin: "Ein Administrator hat Ihre Sitzung beendet.",
  cause_session_limit:
    "Sie haben sich auf mehr Geräten angemeldet, als erlaubt sind. Das älteste wurde abgemeldet.",
  cause_restored: "Der Betreiber hat ein Backup eingespielt, deshalb melden sich alle neu an.",
  cause_key_removed:
    "Der Betreiber hat die Schlüssel des Servers erneuert, deshalb melden sich alle neu an.",
  cause_email_change_undone:
    "Die Änderung der E-Mail-Adresse wurde von der alten Adresse aus zurückgenommen.",
  cause_step_up: "Ihre Sitzung läuft in einem anderen Tab weiter. Bitte melden Sie sich neu an.",
  cause_factor_changed:
    "Auf einem anderen Gerät wurde ein zweiter Schritt geändert, und alle anderen wurden abgemeldet.",
  cause_factors_reset: "Ein Administrator hat die zweiten Schritte Ihres Kontos entfernt.",
  cause_unknown: "Ihre Sitzung ist beendet.",

  // ── Profil
  profile: "Profil",
  signInData: "Anmeldung",
  yourDetails: "Ihre Angaben",
  language: "Sprache unserer E-Mails",
  languageDefault: "Wie beim Dienst üblich",
  change: "Ändern",
  none: "Keine Angabe",
  notConfirmed: "nicht bestätigt",
  changeEmail: "E-Mail-Adresse ändern",
  changeEmailText:
    "Wir schicken einen Code an die neue Adresse. Bis Sie ihn hier eingeben, ändert sich nichts.",
  newEmail: "Neue E-Mail-Adresse",
  changeEmailSent:
    "Wir haben einen Code an {email} geschickt. Geben Sie ihn hier ein oder öffnen Sie den Link in der E-Mail.",
  emailChanged:
    "Ihre E-Mail-Adresse ist geändert. Von der alten Adresse aus lässt sich das 3 Tage lang zurücknehmen.",
  changeUsername: "Benutzernamen ändern",
  usernameChanged: "Ihr Benutzername ist geändert.",
  removeUsername: "Lassen Sie das Feld leer, um keinen Benutzernamen zu haben.",
  changePassword: "Passwort ändern",
  changePasswordText: "Alle Ihre anderen Geräte werden abgemeldet.",
  passwordChanged: "Ihr Passwort ist geändert. Ihre anderen Geräte sind abgemeldet.",
  passwordSet: "Festgelegt",
  memberSince: "Konto seit {date}",
  noDetails: "Dieser Dienst fragt nichts über Sie.",

  // ── Sicherheit
  security: "Sicherheit",
  passkeys: "Passkeys",
  passkeysText: "Melden Sie sich mit Fingerabdruck, Gesicht oder PIN statt mit dem Passwort an.",
  noPasskeysYet: "Sie haben noch keine Passkeys.",
  addPasskey: "Passkey hinzufügen",
  passkeyAdded: "Der Passkey ist hinzugefügt.",
  passkeyRemoved: "Der Passkey ist entfernt.",
  passkeyName: "Name des Passkeys",
  passkeySynced: "Synchronisiert",
  passkeyBound: "Auf einem Gerät",
  passkeySuspect:
    "Dieser Passkey wurde vielleicht kopiert. Entfernen Sie ihn, wenn Sie das nicht erwartet haben.",
  removePasskeyTitle: "Diesen Passkey entfernen?",
  removePasskeyText: "Mit „{name}“ können Sie sich dann nicht mehr anmelden.",
  passkeyProblem:
    "Der Passkey konnte nicht angelegt werden. Versuchen Sie es noch einmal oder nehmen Sie ein anderes Gerät.",
  passkeyKnown: "Dieses Gerät hat schon einen Passkey für Ihr Konto.",
  secondSteps: "Anmeldung in zwei Schritten",
  secondStepsText: "Nach dem Passwort fragen wir nach einem Code, den nur Sie haben.",
  factorsOff: "Der Betreiber dieses Dienstes hat die Anmeldung in zwei Schritten abgeschaltet.",
  factorRequired: "Ihr Konto muss einen zweiten Schritt haben.",
  totp: "Authenticator-App",
  noTotp: "Es ist keine App eingerichtet.",
  addTotp: "App hinzufügen",
  totpName: "Name der App oder des Telefons",
  totpScan:
    "Scannen Sie dieses Bild mit Ihrer Authenticator-App und geben Sie die sechs Ziffern ein, die sie zeigt.",
  totpQr: "QR-Code für Ihre Authenticator-App",
  totpSecret: "Oder geben Sie diesen Schlüssel in die App ein:",
  totpAdded: "Die Authenticator-App ist hinzugefügt.",
  removeTotpTitle: "Diese App entfernen?",
  removeTotpText: "„{name}“ gilt dann nicht mehr als zweiter Schritt.",
  emailCodes: "Codes per E-Mail",
  emailCodesText:
    "Weniger sicher als eine App: Mit dem Postfach lässt sich auch das Passwort zurücksetzen.",
  emailCodesOn: "An seit {date}",
  emailCodesOff: "Aus",
  turnOn: "Einschalten",
  turnOff: "Ausschalten",
  emailCodesAdded: "Codes per E-Mail sind eingeschaltet.",
  emailCodesRemoved: "Codes per E-Mail sind ausgeschaltet.",
  turnOffEmailTitle: "Codes per E-Mail ausschalten?",
  factorRemoved: "Entfernt.",
  recoveryCodes: "Wiederherstellungscodes",
  recoveryCodesText: "Für den Tag, an dem Sie Ihr Telefon verlieren. Jeder Code gilt einmal.",
  recoveryCodesLeft: "Noch {count} von 10",
  recoveryCodesFew: "Nur noch {count}. Machen Sie bald neue.",
  recoveryCodesNone: "Sie bekommen sie mit Ihrem ersten zweiten Schritt.",
  makeCodes: "Neue Codes machen",
  makeCodesTitle: "Neue Wiederherstellungscodes machen?",
  makeCodesText: "Die Codes, die Sie jetzt haben, gelten dann nicht mehr.",
  yourCodes: "Ihre Wiederherstellungscodes",
  yourCodesText:
    "Bewahren Sie diese Codes dort auf, wo Sie sie ohne dieses Gerät finden. Wir zeigen sie nur jetzt.",
  download: "Herunterladen",
  print: "Drucken",
  codesKept: "Ich habe sie aufbewahrt",
  endOthers: "Alle meine anderen Geräte abmelden",
  removePassword: "Passwort entfernen",
  removePasswordText: "Sie melden sich dann nur noch mit Passkeys an.",
  removePasswordDone: "Ihr Passwort ist entfernt.",
  createdAt: "Hinzugefügt am {date}",
  lastUsed: "zuletzt benutzt: {date}",
  neverUsed: "nie benutzt",

  // ── Noch einmal ausweisen
  stepUp: "Bestätigen Sie, dass Sie es sind",
  stepUpPassword: "Geben Sie Ihr Passwort ein, um fortzufahren.",

  // ── Geräte
  devices: "Geräte",
  devicesText: "Auf diesen Geräten sind Sie angemeldet.",
  thisDevice: "Dieses Gerät",
  otherDevices: "Andere Geräte",
  noOthers: "Sie sind sonst nirgends angemeldet.",
  logOut: "Abmelden",
  logOutDevice: "{device} abmelden",
  logOutOthers: "Überall sonst abmelden",
  logOutOthersTitle: "Überall sonst abmelden?",
  logOutOthersText: "Alle Geräte außer diesem müssen sich neu anmelden.",
  loggedOut: "Das Gerät ist abgemeldet.",
  othersLoggedOut: "Alle anderen Geräte sind abgemeldet.",
  signedInAt: "Angemeldet {date}",
  activeAt: "aktiv {date}",
  fromAddress: "von {address}",
  remembered: "Geräte ohne zweiten Schritt",
  rememberedText: "Auf diesen Geräten genügt das Passwort.",
  forgetDevice: "Wieder fragen",
  forgotten_device: "Auf diesem Gerät wird wieder nach dem zweiten Schritt gefragt.",
  rememberedUntil: "bis {date}",
  unknownDevice: "Unbekanntes Gerät",
  browserOn: "{browser} auf {system}",

  // ── Aktivität
  activity: "Aktivität",
  activityText:
    "Was zuletzt mit Ihrem Konto geschah. Kennen Sie etwas davon nicht? Ändern Sie Ihr Passwort.",
  noActivity: "Es gibt noch nichts.",
  more: "Mehr zeigen",

  // ── Daten
  data: "Ihre Daten",
  exportTitle: "Ihre Daten herunterladen",
  exportText: "Eine Datei mit allem, was hier über Sie gespeichert ist, als JSON.",
  exportButton: "Herunterladen",
  deleteTitle: "Konto löschen",
  deleteText:
    "Ihr Konto und alles darin wird endgültig gelöscht. Das lässt sich nicht zurücknehmen.",
  deleteButton: "Konto löschen",
  deleteSure: "Konto endgültig löschen?",
  deleteCheck: "Mir ist klar, dass sich das nicht zurücknehmen lässt.",
  deleted: "Ihr Konto ist gelöscht.",

  // ── Ablehnungen
  error_network:
    "Der Server ist nicht erreichbar. Prüfen Sie die Verbindung und versuchen Sie es noch einmal.",
  error_unknown: "Das hat nicht geklappt. Versuchen Sie es später noch einmal.",
  error_request: "Anfrage {id}",
  error_invalid_credentials: "Der Name oder das Passwort ist falsch.",
  error_invalid_challenge:
    "Das hat zu lange gedauert, oder zu viele Codes waren falsch. Melden Sie sich neu an.",
  error_invalid_code: "Der Code ist falsch oder abgelaufen.",
  error_code_expired: "Dieser Code ist abgelaufen. Fordern Sie einen neuen an.",
  error_code_used: "Dieser Code wurde schon benutzt.",
  error_code_exhausted: "Zu viele falsche Codes. Fordern Sie einen neuen an.",
  error_invalid_passkey: "Der Passkey wurde nicht angenommen.",
  error_wrong_password: "Das ist nicht das richtige Passwort. Versuchen Sie es noch einmal.",
  error_unacceptable_password:
    "Dieses Passwort kann nicht verwendet werden. Wählen Sie ein anderes.",
  error_invalid_input: "Das geht so nicht. Prüfen Sie Ihre Eingabe.",
  error_rate_limited: "Zu viele Versuche. Versuchen Sie es {when} noch einmal.",
  error_busy: "Der Server ist gerade ausgelastet. Versuchen Sie es gleich noch einmal.",
  error_unavailable: "Der Server ist gerade ausgelastet. Versuchen Sie es gleich noch einmal.",
  error_email_taken: "Diese E-Mail-Adresse gehört schon zu einem Konto.",
  error_username_taken: "Dieser Benutzername ist vergeben.",
  error_registration_closed: "Die Registrierung ist geschlossen.",
  error_csrf_refused:
    "Ihr Browser hat die Cookies dieser Seite nicht geschickt. Erlauben Sie sie und laden Sie die Seite neu.",
  error_account_paused: "Dieses Konto ruht, bis seine E-Mail-Adresse bestätigt ist.",
  error_last_credential:
    "Das ist Ihre letzte Möglichkeit, sich anzumelden. Fügen Sie erst eine andere hinzu.",
  error_factor_required:
    "Ihr Konto muss einen zweiten Schritt haben. Fügen Sie erst einen anderen hinzu.",
  error_last_superuser: "Sie sind der letzte Superuser, und der Server braucht einen.",
  error_no_address: "Ihr Konto hat keine E-Mail-Adresse.",
  error_no_factor: "Richten Sie erst einen zweiten Schritt ein.",
  error_too_many_factors: "Mehr davon sind nicht erlaubt. Entfernen Sie erst einen.",
  error_factor_unavailable: "Das geht hier nicht.",
  error_factors_off: "Die Anmeldung in zwei Schritten ist hier abgeschaltet.",
  error_not_found: "Das gibt es nicht mehr.",
  error_setup_closed:
    "Dieser Link ist unvollständig, abgelaufen oder schon benutzt. Nach einem Neustart des Servers gibt es einen neuen.",
  error_internal: "Bei uns ist etwas schiefgegangen. Es wurde aufgezeichnet.",
  error_link_incomplete:
    "Der Link ist unvollständig. Öffnen Sie ihn noch einmal aus der E-Mail oder kopieren Sie ihn ganz.",
  error_invalid_link:
    "Der Link ist unvollständig oder nicht von uns. Öffnen Sie ihn noch einmal aus der E-Mail oder kopieren Sie ihn ganz.",
  error_link_used: "Dieser Link wurde schon benutzt.",
  error_link_expired: "Dieser Link ist abgelaufen.",
  error_link_void:
    "Dieser Link gilt nicht mehr: Ein neuerer hat ihn ersetzt, oder er wurde zu oft versucht.",
  error_return_refused:
    "Die Adresse, zu der es zurückgehen sollte, gehört nicht zu diesem Dienst. Sie bleiben deshalb hier.",
  reason_too_short: "Dieses Passwort ist zu kurz.",
  reason_too_long: "Dieses Passwort ist zu lang.",
  reason_common: "Dieses Passwort benutzen viele. Wählen Sie ein anderes.",
  reason_contains_context:
    "Dieses Passwort besteht aus Ihrer Adresse, Ihrem Namen oder dem Namen dieses Dienstes. Wählen Sie ein anderes.",
  reason_forbidden_character:
    "Dieses Passwort enthält ein Zeichen, das nicht verwendet werden kann.",
};
