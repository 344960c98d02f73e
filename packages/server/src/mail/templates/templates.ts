import type { z } from "zod";
import { alreadyRegistered } from "./already-registered.ts";
import { confirmRegistration } from "./confirm-registration.ts";
import { passwordReset } from "./password-reset.ts";
import type { Letter, LetterContext } from "./template.ts";

const templates = {
  already_registered: alreadyRegistered,
  confirm_registration: confirmRegistration,
  password_reset: passwordReset,
};

export type TemplateName = keyof typeof templates;
export type TemplateData<Name extends TemplateName> = z.input<(typeof templates)[Name]["data"]>;

/** @throws for a template or data that this version does not know: a newer one may have queued it */
export function write(name: string, data: unknown, context: LetterContext): Letter {
  if (!isTemplate(name)) throw new RangeError("no such mail template");
  return templates[name].write(data, context);
}

function isTemplate(name: string): name is TemplateName {
  return Object.hasOwn(templates, name);
}
