import type { UnixSeconds } from "../../../platform/kernel/clock.ts";
import type { TemplateData, TemplateName } from "./data.ts";

/** When the samples are sent. */
export const sampleMoment: UnixSeconds = 1_800_000_000;

const token = "sample-Zq3vN8xKw1Yd7Tr5Hm2Jb9Lc4Pf6Gs0Ua-Ej";
const mailedCode = {
  code: "01234567",
  expiresAt: sampleMoment + 600,
  token,
  linkExpiresAt: sampleMoment + 86_400,
};
const client = {
  at: sampleMoment - 60,
  address: "192.0.2.17",
  userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
};
const account = { username: "ada.lovelace", isConfirmed: true };
const accountLink = {
  ...account,
  link: "https://accounts.example.com/#/sample/MQ/sample-0123456789abcdef",
  linkExpiresAt: sampleMoment + 3 * 86_400,
};
const factor = { at: sampleMoment - 60, factor: "totp" };

/**
 * What each template could be filled with: for the preview, and to try an operator's templates at
 * the start.
 */
export const samples: { readonly [Name in TemplateName]: TemplateData<Name> } = {
  confirm_registration: mailedCode,
  already_registered: {},
  password_reset: { ...mailedCode, linkExpiresAt: sampleMoment + 1800 },
  confirm_email: mailedCode,
  email_in_use: {},
  email_changed: { at: sampleMoment - 60, token, linkExpiresAt: sampleMoment + 3 * 86_400 },
  password_changed: { at: sampleMoment - 60 },
  new_device: client,
  refresh_reused: client,
  factor_added: factor,
  factor_removed: factor,
  second_factor_failed: client,
  second_factor_code: {
    ...client,
    at: sampleMoment,
    code: mailedCode.code,
    expiresAt: sampleMoment + 300,
  },
  djoser_activation: { ...accountLink, isConfirmed: false },
  djoser_confirmation: account,
  djoser_password_reset: accountLink,
  djoser_password_changed: account,
  djoser_username_changed: account,
  djoser_username_reset: accountLink,
  test: {},
};
