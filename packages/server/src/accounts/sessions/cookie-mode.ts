import type { Endpoint } from "@portcullis/contract";
import assert from "node:assert/strict";
import {
  readCookies,
  setCookie,
  type CookieAttributes,
  type Keeping,
  type PresentedCookies,
} from "../../platform/http/cookies.ts";
import { originsOf, type OriginRules } from "../../platform/http/origins.ts";
import type { CookieMode } from "../../platform/http/steps/cookies.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { readRefreshToken } from "./refresh-token.ts";

export interface CookieModeDeps extends OriginRules {
  readonly keyring: Keyring;
  /** The address of the server. Plain http is for development only. */
  readonly publicUrl: string;
  readonly mode: "development" | "production";
  /** Kept cookies last as long as a session that is not used. */
  readonly idleTtlSeconds: number;
}

/** The names and attributes of the three cookies (CK-01). */
export interface CookieKinds {
  readonly access: CookieKind;
  readonly refresh: CookieKind;
  readonly visit: CookieKind;
}

interface CookieKind {
  readonly name: string;
  readonly attributes: CookieAttributes;
}

/** The folder of the calls that need the refresh token. */
const REFRESH_PATH = "/v1/sessions";

/**
 * The prefixes make browsers refuse a cookie that another host of the site or a page without TLS
 * has set. Browsers refuse them on plain http, so a server in development leaves them out there. A
 * server in production neither sets nor reads a name without prefix.
 */
export function cookieKinds({
  publicUrl,
  mode,
}: Pick<CookieModeDeps, "publicUrl" | "mode">): CookieKinds {
  const { protocol, pathname } = new URL(publicUrl);
  const secure = mode === "production" || protocol === "https:";
  const path = `${pathname.replace(/\/$/, "")}${REFRESH_PATH}`;
  const [host, prefix] = secure ? ["__Host-", "__Secure-"] : ["", ""];
  return {
    access: {
      name: `${host}portcullis_access`,
      attributes: { path: "/", sameSite: "Lax", secure },
    },
    refresh: {
      name: `${prefix}portcullis_refresh`,
      attributes: { path, sameSite: "Strict", secure },
    },
    visit: {
      name: `${host}portcullis_visit`,
      attributes: { path: "/", sameSite: "Strict", secure },
    },
  };
}

export function createCookieMode(deps: CookieModeDeps): CookieMode {
  const { keyring } = deps;
  const kinds = cookieKinds(deps);
  const names = Object.values(kinds).map(({ name }: CookieKind) => name);
  const own = new URL(deps.publicUrl).origin;
  const origins = originsOf(deps);

  return {
    read: (header) => {
      const found = readCookies(header, names);
      if (found === undefined) return undefined;
      const access = readKept(found.get(kinds.access.name));
      const refresh = readKept(found.get(kinds.refresh.name));
      return {
        accessToken: access?.token,
        refreshToken: refresh?.token,
        visit: found.get(kinds.visit.name),
        keeping: (refresh ?? access)?.keeping,
      };
    },
    trusts: (origin) => origin === own || origins.rightsOf(origin) === "cookies",
    accepts: (token, cookies, endpoint) =>
      holders(keyring, cookies, endpoint).some((holder) =>
        keyring.verifyMac("csrf-token", holder, Buffer.from(token, "base64url")),
      ),
    answer: (endpoint, exchange, { answersIn }, body) => {
      if (endsOwnSession(endpoint, exchange))
        return {
          body,
          setCookies: [kinds.access, kinds.refresh].map(({ name, attributes }) =>
            setCookie(name, "", { ...attributes, maxAgeSeconds: 0 }),
          ),
          clearsSiteData: true,
        };
      const maxAgeSeconds = answersIn === "keep" ? deps.idleTtlSeconds : undefined;
      const setCookies: string[] = [];
      const moved = moveTokens(body, ({ accessToken, refreshToken, sessionId }) => {
        for (const [{ name, attributes }, token] of [
          [kinds.access, accessToken],
          [kinds.refresh, refreshToken],
        ] as const)
          setCookies.push(
            setCookie(name, `${answersIn}.${token}`, { ...attributes, maxAgeSeconds }),
          );
        return csrfTokenOf(keyring, { sessionId });
      });
      return { body: moved, setCookies, clearsSiteData: false };
    },
  };
}

/** What a CSRF token is bound to. */
export type CsrfHolder = { readonly sessionId: string } | { readonly visit: string };

/** Returns the only CSRF token of a session, or of a browser that has none (CK-05). */
export function csrfTokenOf(keyring: Keyring, holder: CsrfHolder): string {
  return keyring.mac("csrf-token", textOf(holder)).toString("base64url");
}

function textOf(holder: CsrfHolder): string {
  return "visit" in holder ? `visit:${holder.visit}` : `session:${holder.sessionId}`;
}

/**
 * The holders whose CSRF token counts for a call. A call of a signed-in user, and one that takes
 * the refresh token, needs that of its own session. A sign-in or a registration may have that of
 * the visit, or of a session that the browser still has.
 */
function holders(
  keyring: Keyring,
  cookies: PresentedCookies,
  endpoint: Endpoint,
): readonly string[] {
  const refreshed =
    cookies.refreshToken === undefined
      ? undefined
      : readRefreshToken(keyring, cookies.refreshToken);
  const ofRefresh = refreshed === undefined ? [] : [textOf({ sessionId: refreshed.sid })];
  if (endpoint.takesRefreshToken === true && cookies.refreshToken !== undefined) return ofRefresh;
  const sid = cookies.accessToken === undefined ? undefined : sessionOf(cookies.accessToken);
  const ofAccess = sid === undefined ? [] : [textOf({ sessionId: sid })];
  if (endpoint.access !== "public") return ofAccess;
  const ofVisit = cookies.visit === undefined ? [] : [textOf({ visit: cookies.visit })];
  return [...ofRefresh, ...ofAccess, ...ofVisit];
}

/**
 * Returns the session that an access token names, without verifying the token. The CSRF token is
 * compared with it before the token is verified. The user's calls are refused after that if it is
 * not valid, and for the others a token that has expired serves as well.
 */
function sessionOf(accessToken: string): string | undefined {
  return payloadOf(accessToken)?.sid;
}

interface Payload {
  readonly sid: string;
  readonly exp: number;
}

export function payloadOf(accessToken: string): Payload | undefined {
  try {
    const [, payload = ""] = accessToken.split(".");
    const { sid, exp } = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    return typeof sid === "string" && typeof exp === "number" ? { sid, exp } : undefined;
  } catch {
    return undefined;
  }
}

/** The value of a cookie tells how long the browser keeps it, which browsers do not. */
function readKept(
  value: string | undefined,
): { readonly keeping: Keeping; readonly token: string } | undefined {
  const [, keeping, token] = /^(keep|session)\.(.+)$/.exec(value ?? "") ?? [];
  return (keeping === "keep" || keeping === "session") && token !== undefined
    ? { keeping, token }
    : undefined;
}

const ending: ReadonlySet<string> = new Set([
  "logOut",
  "endCurrentSession",
  "endAllSessions",
  "deleteMe",
]);

function endsOwnSession(
  { name }: Endpoint,
  {
    params,
    caller,
  }: { readonly params: unknown; readonly caller: { readonly sessionId: string } | undefined },
): boolean {
  if (ending.has(name)) return true;
  if (name !== "endSession" || caller === undefined) return false;
  return (
    typeof params === "object" &&
    params !== null &&
    "id" in params &&
    params.id === caller.sessionId
  );
}

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly tokenType: string;
  readonly sessionId: string;
}

function hasTokens(value: unknown): value is Tokens {
  return typeof value === "object" && value !== null && "refreshToken" in value;
}

/**
 * Replaces the tokens of a body, at its top or in its member `tokens`, by the CSRF token that
 * `keep` returns.
 *
 * @throws {AssertionError} if the body has a token anywhere else, so that no script ever reads one
 */
function moveTokens(body: unknown, keep: (tokens: Tokens) => string): unknown {
  const moved = moveFrom(body, keep);
  assert(
    !/"(?:access|refresh)Token":/.test(JSON.stringify(moved) ?? ""),
    "no answer in cookie mode has a token",
  );
  return moved;
}

function moveFrom(body: unknown, keep: (tokens: Tokens) => string): unknown {
  if (hasTokens(body)) {
    const { accessToken: _access, refreshToken: _refresh, tokenType: _type, ...rest } = body;
    return { ...rest, csrfToken: keep(body) };
  }
  if (typeof body === "object" && body !== null && "tokens" in body && hasTokens(body.tokens))
    return { ...body, tokens: moveFrom(body.tokens, keep) };
  return body;
}
