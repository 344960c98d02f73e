import { navigate } from "wouter/use-browser-location";
import { settings } from "./settings.ts";

/** Whether the link that opened the page wanted the user to return to an address not listed. */
export const wasRefused = (): boolean => settings.returning.refused;

/**
 * Goes where the user wanted to go before the sign-in. The server has compared the address with its
 * list before it wrote the page, so no link can send users elsewhere.
 */
export function onwards(): void {
  const { to } = settings.returning;
  if (to !== null) location.assign(to);
  else navigate(`${settings.base}/account/profile`, { replace: true });
}
