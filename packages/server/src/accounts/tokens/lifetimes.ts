import { secondsOf } from "../../platform/settings/setting.ts";

/**
 * The longest lifetime of an access token that a setting can ask for, in the form of a setting.
 * Retired keys, verifiers and revocations must outlast it.
 */
export const LONGEST_ACCESS = "1h";
export const LONGEST_ACCESS_SECONDS = secondsOf(LONGEST_ACCESS);

/** The difference of clocks that is tolerated when the claims of an access token are checked. */
export const LEEWAY_SECONDS = 5;
