import type { RegistrationMode } from "../../accounts/users/register.ts";
import type { usernameRules } from "../../accounts/users/username.ts";
import type { ForeignSource } from "./sources/source.ts";
import type { Mapping } from "./columns.ts";
import { severityOf, wordsFor } from "./findings.ts";
import { grouped } from "./progress.ts";
import type { Counts } from "./run.ts";
import type { Tally } from "./tally.ts";
import { findTokenTables, type TokenCounts } from "./tokens.ts";

/** The settings of this deployment that decide how users are imported and what is advised. */
export interface ImportSettings {
  readonly usernames: keyof typeof usernameRules;
  readonly loginField: "email" | "username";
  readonly userIdField: "number" | "id";
  readonly registration: RegistrationMode;
  /** Present if refresh tokens that Django signed can be exchanged. */
  readonly simplejwtSigningKey?: object | undefined;
}

/** Describes what was found and what will become of it. */
export function describeTally(tally: Tally): readonly string[] {
  const { counts, schemes, findings } = tally;
  const hashes = [...schemes].map(([scheme, count]) => `${grouped(count)} ${scheme}`);
  const facts = [
    `users to import: ${grouped(counts.imported)}; here already: ${grouped(counts.here)}; left out: ${grouped(counts.leftOut)}`,
    counts.imported > 0 &&
      `passwords: ${[...hashes, `${grouped(counts.withoutPassword)} without`].join(", ")}`,
    counts.superusers > 0 && `superusers: ${grouped(counts.superusers)}`,
    counts.staff > 0 &&
      `staff: ${grouped(counts.staff)}, which has no meaning here except for superusers`,
    counts.inactive > 0 && `inactive, so disabled: ${grouped(counts.inactive)}`,
    counts.authenticators + counts.recoveryCodes > 0 &&
      `second factors: authenticator apps: ${grouped(counts.authenticators)}; recovery codes: ${grouped(counts.recoveryCodes)}`,
  ].filter((fact) => fact !== false);
  const told = [...findings].map(([kind, { count, examples }]) => {
    const more = count > examples.length ? ", …" : "";
    return `${severityOf(kind).padEnd(6)}  ${grouped(count)} × ${wordsFor(kind)} (${examples.map(shown).join(", ")}${more})`;
  });
  return [...facts, ...told];
}

export function describeImport({ imported, here, leftOut }: Counts): string {
  if (imported + leftOut === 0)
    return here === 0
      ? "There are no users to import."
      : `All users are here already (${grouped(here)}), so none were imported.`;
  return `Users imported: ${grouped(imported)}; here already: ${grouped(here)}; left out: ${grouped(leftOut)}.`;
}

/** Shortens and escapes a key, which may be any text. */
function shown(key: string): string {
  return key === "" ? "no key" : JSON.stringify(key.slice(0, 40)).slice(1, -1);
}

export function describeTokens(
  counts: TokenCounts,
  { dryRun }: { readonly dryRun: boolean },
): string {
  const { outstanding, blacklisted, expired, imported, here, unusable } = counts;
  const others = `${grouped(blacklisted)} blacklisted, ${grouped(expired)} expired, ${grouped(here)} here already, ${grouped(unusable)} of no use`;
  return `refresh tokens ${dryRun ? "to import" : "imported"}: ${grouped(imported)} of ${grouped(outstanding)}; ${others}`;
}

/** Says why nothing is imported with these options. Returns `undefined` if the import can go on. */
export function refusal(
  tally: Tally,
  options: { readonly acceptLosses?: true; readonly withoutFactors?: true },
): string | undefined {
  const [losing, factors] = [tally.rowsWith.get("loss") ?? 0, tally.rowsWith.get("factor") ?? 0];
  const reasons = [
    losing > 0 &&
      options.acceptLosses !== true &&
      `Users who would lose something: ${grouped(losing)} (the lines "loss" above; --dry-run --report FILE lists each). Change what the hints name, or give --accept-losses.`,
    factors > 0 &&
      options.withoutFactors !== true &&
      `Users with a confirmed second factor that cannot be imported: ${grouped(factors)} (the lines "factor" above; --dry-run --report FILE lists each). --without-factors imports them without it; users who have no other factor then sign in with the password alone.`,
  ].filter((reason) => reason !== false);
  return reasons.length === 0 ? undefined : reasons.join(" ");
}

export interface HintDeps {
  readonly config: ImportSettings;
  readonly mapping: Mapping;
  readonly tally: Tally;
  readonly source: ForeignSource;
  readonly options: { readonly unverified?: true; readonly tokens?: true };
  readonly profileProblem: string | undefined;
}

/** Suggests settings that fit what was found better than the current ones. */
export function hintsFor({
  config,
  mapping,
  tally,
  source,
  options,
  profileProblem,
}: HintDeps): readonly string[] {
  const { findings, keys, counts } = tally;
  if (counts.imported === 0) return [];
  const hints = [
    (findings.has("username_refused") || findings.has("username_taken")) &&
      config.usernames === "plain" &&
      "PORTCULLIS_USERNAMES=django accepts the usernames that Django accepts; choose it before there are users.",
    mapping.at.username !== undefined &&
      config.loginField === "email" &&
      "PORTCULLIS_LOGIN_FIELD=username, if users of your front end log in by username.",
    keys.has("uuid") &&
      config.userIdField === "number" &&
      "PORTCULLIS_USER_ID_FIELD=id, so that faces show the UUIDs your front end knows.",
    keys.has("number") &&
      config.userIdField === "id" &&
      "PORTCULLIS_USER_ID_FIELD=number, so that faces show the numbers your front end knows.",
    options.unverified === true &&
      config.registration === "confirm" &&
      "users with an address cannot sign in before they reset the password by mail, because of --unverified and PORTCULLIS_REGISTRATION=confirm.",
    profileProblem !== undefined &&
      `PORTCULLIS_PROFILE_SCHEMA, a schema that knows what is imported (${profileProblem}): without it users cannot change their profile.`,
    options.tokens === true &&
      config.simplejwtSigningKey === undefined &&
      "PORTCULLIS_SIMPLEJWT_SIGNING_KEY, Django's SIGNING_KEY: without it imported refresh tokens cannot be exchanged.",
    options.tokens !== true &&
      findTokenTables(source) !== undefined &&
      "--tokens, so that users who are logged in stay logged in.",
  ];
  return hints.filter((hint) => hint !== false).map((hint) => `hint    ${hint}`);
}
