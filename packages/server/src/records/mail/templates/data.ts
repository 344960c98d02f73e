import { z } from "zod";

const moment = z.int();
const code = {
  code: z.string().regex(/^\d{8}$/),
  /** Of the code. */
  expiresAt: moment,
};
const mailedCode = {
  ...code,
  token: z.string().regex(/^[\w-]{20,128}$/),
  linkExpiresAt: moment,
};
/** Where from, as far as the request told: the address and what the client called itself. */
const client = { at: moment, address: z.string(), userAgent: z.string() };

/**
 * Of an account of a Django face: what it is called, empty where it has no username, and whether
 * the reader is known to own it.
 */
const account = { username: z.string(), isConfirmed: z.boolean() };
/** With a link to the front end, made where it was queued. */
const accountLink = { ...account, link: z.url({ protocol: /^https?$/ }), linkExpiresAt: moment };

/**
 * What each mail is filled with. A name that has been queued once is never given another meaning.
 */
export const templateData = {
  confirm_registration: z.strictObject(mailedCode),
  already_registered: z.strictObject({}),
  password_reset: z.strictObject(mailedCode),
  confirm_email: z.strictObject(mailedCode),
  /** To the owner of an address that somebody else wanted to change theirs to. */
  email_in_use: z.strictObject({}),
  /** To the old address, with the means to undo it. */
  email_changed: z.strictObject({
    at: moment,
    token: z.string().regex(/^[\w-]{20,128}$/),
    linkExpiresAt: moment,
  }),
  password_changed: z.strictObject({ at: moment }),
  new_device: z.strictObject(client),
  refresh_reused: z.strictObject(client),
  factor_added: z.strictObject({ at: moment, factor: z.string() }),
  factor_removed: z.strictObject({ at: moment, factor: z.string() }),
  /** The right password, then a wrong second factor. */
  second_factor_failed: z.strictObject(client),
  second_factor_code: z.strictObject({ ...code, ...client }),
  djoser_activation: z.strictObject(accountLink),
  djoser_confirmation: z.strictObject(account),
  djoser_password_reset: z.strictObject(accountLink),
  djoser_password_changed: z.strictObject(account),
  djoser_username_changed: z.strictObject(account),
  djoser_username_reset: z.strictObject(accountLink),
  /** To an operator who asks whether mail arrives. */
  test: z.strictObject({}),
};

export type TemplateName = keyof typeof templateData;
export type TemplateData<Name extends TemplateName> = z.input<(typeof templateData)[Name]>;
