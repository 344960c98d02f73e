import type { TemplateName } from "./data.ts";
import { alreadyRegistered } from "./letters/already-registered.ts";
import { confirmEmail } from "./letters/confirm-email.ts";
import { confirmRegistration } from "./letters/confirm-registration.ts";
import { djoserActivation } from "./letters/djoser-activation.ts";
import { djoserConfirmation } from "./letters/djoser-confirmation.ts";
import { djoserPasswordChanged } from "./letters/djoser-password-changed.ts";
import { djoserPasswordReset } from "./letters/djoser-password-reset.ts";
import { djoserUsernameChanged } from "./letters/djoser-username-changed.ts";
import { djoserUsernameReset } from "./letters/djoser-username-reset.ts";
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
import type { Template } from "./template.ts";

export const templates: Readonly<Record<TemplateName, Template>> = {
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
  djoser_activation: djoserActivation,
  djoser_confirmation: djoserConfirmation,
  djoser_password_reset: djoserPasswordReset,
  djoser_password_changed: djoserPasswordChanged,
  djoser_username_changed: djoserUsernameChanged,
  djoser_username_reset: djoserUsernameReset,
  test: testMail,
};

export function isTemplate(name: string): name is TemplateName {
  return Object.hasOwn(templates, name);
}

export const templateNames: readonly TemplateName[] = Object.keys(templates).filter(isTemplate);
