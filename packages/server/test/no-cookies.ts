import type { CookieMode } from "../src/platform/http/steps/cookies.ts";

/** For apps without accounts: no request has cookies, and no answer sets one. */
export const noCookies: CookieMode = {
  read: () => ({}),
  trusts: () => false,
  accepts: () => false,
  answer: (_endpoint, _exchange, _call, body) => ({ body, setCookies: [], clearsSiteData: false }),
};
