import { navigate } from "wouter/use-browser-location";
import { settings } from "./settings.ts";

/**
 * The server has compared the return address with its list before it wrote the page, so a page
 * never goes where a link wants it to.
 */
interface Returning {
  readonly returnTo?: string | null;
  readonly returnRefused?: boolean;
}

const given: Returning = settings;

export const wasRefused = (): boolean => given.returnRefused === true;

/** Goes where the user wanted to go before the sign-in. */
export function onwards(): void {
  if (typeof given.returnTo === "string") location.assign(given.returnTo);
  else navigate(`${settings.base}/account/profile`, { replace: true });
}
