import type { BuiltInLanguage } from "../language.ts";

const names: ReadonlyMap<string, Readonly<Record<BuiltInLanguage, string>>> = new Map([
  ["totp", { en: "authenticator app", de: "Authenticator-App" }],
  ["recovery_codes", { en: "recovery codes", de: "Wiederherstellungscodes" }],
  ["email", { en: "codes by e-mail", de: "Codes per E-Mail" }],
  ["passkey", { en: "passkey", de: "Passkey" }],
]);

/** Returns the word that people use for a second factor, or its own name if there is none. */
export function factorName(factor: string, language: BuiltInLanguage): string {
  return names.get(factor)?.[language] ?? factor;
}
