import { alreadyRegistered } from "./letters/already-registered.ts";
import { confirmEmail } from "./letters/confirm-email.ts";
import { confirmRegistration } from "./letters/confirm-registration.ts";
import { emailChanged } from "./letters/email-changed.ts";
import { emailInUse } from "./letters/email-in-use.ts";
import { factorAdded } from "./letters/factor-added.ts";
import { factorRemoved } from "./letters/factor-removed.ts";
import { newDevice } from "./letters/new-device.ts";
import { passwordChanged } from "./letters/password-changed.ts";
import { passwordReset } from "./letters/password-reset.ts";
import { refreshReused } from "./letters/refresh-reused.ts";
import { secondFactorCode } from "./letters/second-factor-code.ts";
import { secondFactorFailed } from "./letters/second-factor-failed.ts";
import { testMail } from "./letters/test-mail.ts";
import type { Templates } from "./template.ts";

/** The letters of the server itself. Each face brings its own. */
export const builtInTemplates = {
  confirm_registration: confirmRegistration,
  already_registered: alreadyRegistered,
  password_reset: passwordReset,
  confirm_email: confirmEmail,
  email_in_use: emailInUse,
  email_changed: emailChanged,
  password_changed: passwordChanged,
  new_device: newDevice,
  refresh_reused: refreshReused,
  factor_added: factorAdded,
  factor_removed: factorRemoved,
  second_factor_failed: secondFactorFailed,
  second_factor_code: secondFactorCode,
  test: testMail,
} satisfies Templates;
