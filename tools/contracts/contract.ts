import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/**
 * The part of a recorded contract that describes the server. Its scenarios are for the replay.
 */
export interface Contract {
  readonly variants: Readonly<Record<string, Variant>>;
  readonly fixtures: { readonly default: { readonly users: readonly FixtureUser[] } };
}

interface Variant {
  readonly about: string;
  /** Only the first variant has settings in full. The others describe in `about` what differs. */
  readonly settings?: ContractSettings;
}

export interface ContractSettings {
  readonly mail: {
    readonly from: string;
    readonly domain: string;
    readonly protocol: string;
    readonly site_name: string;
  };
  readonly jwt: {
    readonly signing_key: string;
    readonly access_seconds?: number;
    readonly refresh_seconds?: number;
  };
}

export interface FixtureUser {
  readonly email?: string;
  readonly username?: string;
  /** `null` stands for a password that cannot be entered. */
  readonly password: string | null;
  readonly active?: boolean;
  readonly staff?: boolean;
}

export const suites = ["tag1", "appliku", "djoser"] as const;
export type Suite = (typeof suites)[number];

/** The folder of the recordings: that of this tree, or the one that `CONTRACTS` names. */
const recordings = resolve(
  process.env["CONTRACTS"] ??
    join(import.meta.dirname, "../../packages/server/test/contracts/recordings"),
);

export function readContract(suite: Suite): Contract {
  return JSON.parse(readFileSync(join(recordings, `${suite}.json`), "utf8")) as Contract;
}
