import { endpoints } from "@portcullis/contract";
import { setCookie } from "../../platform/http/cookies.ts";
import { answer, serve, type Route } from "../../platform/http/serve.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { csrfTokenOf, payloadOf, type CookieKinds } from "./cookie-mode.ts";
import { readRefreshToken } from "./refresh-token.ts";

export interface CsrfTokenDeps {
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: Random;
  readonly cookieKinds: CookieKinds;
}

const VISIT_BYTES = 16;

/** Serves the CSRF token of the browser's session, or of its visit if it has none. */
export function csrfTokenRoute({ keyring, clock, random, cookieKinds }: CsrfTokenDeps): Route {
  return serve(endpoints.getCsrfToken, (call) => {
    const { accessToken, refreshToken, visit } = call.cookies ?? {};
    const access = accessToken === undefined ? undefined : payloadOf(accessToken);
    const refreshed =
      refreshToken === undefined ? undefined : readRefreshToken(keyring, refreshToken);
    const sessionId = refreshed?.sid ?? access?.sid;
    if (sessionId !== undefined)
      return answer(200, {
        csrfToken: csrfTokenOf(keyring, { sessionId }),
        sessionId,
        expiresInSeconds: access?.sid === sessionId ? access.exp - clock.now() : 0,
      });
    const known = visit ?? random.bytes(VISIT_BYTES).toString("base64url");
    const { name, attributes } = cookieKinds.visit;
    if (visit === undefined) call.setCookie(setCookie(name, known, attributes));
    const csrfToken = csrfTokenOf(keyring, { visit: known });
    return answer(200, { csrfToken, sessionId: null, expiresInSeconds: null });
  });
}
