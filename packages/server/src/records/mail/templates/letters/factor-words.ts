import type { BuiltInLanguage } from "../language.ts";

const names: ReadonlyMap<string, Readonly<Record<BuiltInLanguage, string>>> = new Map([
  ["totp", { en: "authenticator app", de: "Authenticator-App" }],
  ["recovery_codes", { en: "recovery codes", de: "Wiederherstellungscodes" }],
  ["email", { en: "codes by e-mail", de: "Codes per E-Mail" }],
  ["passkey", { en: "passkey", de: "Passkey" }],
]);

/** What people call a second factor; one without such a word goes by its own name. */
export function factorName(factor: string, language: BuiltInLanguage): string {
  return names.get(factor)?.[language] ?? factor;
}
