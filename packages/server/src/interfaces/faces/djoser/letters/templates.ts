import type { Templates } from "../../../../records/mail/templates/template.ts";
import { djoserActivation } from "./activation.ts";
import { djoserConfirmation } from "./confirmation.ts";
import { djoserPasswordChanged } from "./password-changed.ts";
import { djoserPasswordReset } from "./password-reset.ts";
import { djoserUsernameChanged } from "./username-changed.ts";
import { djoserUsernameReset } from "./username-reset.ts";

export const djoserTemplates = {
  djoser_activation: djoserActivation,
  djoser_confirmation: djoserConfirmation,
  djoser_password_reset: djoserPasswordReset,
  djoser_password_changed: djoserPasswordChanged,
  djoser_username_changed: djoserUsernameChanged,
  djoser_username_reset: djoserUsernameReset,
} satisfies Templates;
