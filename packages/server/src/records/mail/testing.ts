import { createApp } from "../../platform/http/app.ts";
import { createMetrics } from "../../platform/http/metrics.ts";
import type { Page } from "../../platform/http/page.ts";
import { manualClock } from "../../platform/kernel/clock.ts";
import { silentLog } from "../../platform/kernel/log.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import { noCookies } from "../../../test/no-cookies.ts";

export const publicUrl = "https://accounts.example.com";

/** Serves these pages and nothing else, behind all the steps that a request passes. */
export function served(pages: readonly Page[]): (path: string) => Promise<Response> {
  const app = createApp({
    routes: [],
    pages,
    cookies: noCookies,
    authenticate: () => ({ kind: "refused", code: "invalid_token" }),
    authorize: () => undefined,
    verifySignature: async () => ({
      kind: "refused",
      code: "invalid_signature",
      members: {},
      headers: {},
    }),
    allow: async () => ({ ok: true }),
    isUnavailable: () => false,
    trustedProxies: [],
    publicUrl,
    log: silentLog,
    clock: manualClock(),
    random: systemRandom,
    metrics: createMetrics(),
  });
  return async (path) => app.fetch(new Request(publicUrl + path));
}
