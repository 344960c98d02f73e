import type { Endpoint } from "@portcullis/contract";
import type { CookieCall, Keeping, PresentedCookies } from "../cookies.ts";
import type { Exchange } from "../exchange.ts";
import { refuse, type Refusal } from "../serve.ts";
import type { StepKind } from "./step.ts";

/** What an answer in cookie mode becomes. */
export interface AnswerInCookies {
  readonly body: unknown;
  readonly setCookies: readonly string[];
  readonly clearsSiteData: boolean;
}

export interface CookieMode {
  /** Reads a `Cookie` header. Returns `undefined` if it is ambiguous (CK-06). */
  readonly read: (header: string) => PresentedCookies | undefined;
  /** Tells whether scripts of an origin may use the cookies: ours, and those listed exactly. */
  readonly trusts: (origin: string) => boolean;
  /** Tells whether a CSRF token belongs to the session or the visit of these cookies (CK-05). */
  readonly accepts: (token: string, cookies: PresentedCookies, endpoint: Endpoint) => boolean;
  /**
   * Moves the tokens of an answer into cookies, and removes the cookies of a session that ended.
   */
  readonly answer: (
    endpoint: Endpoint,
    exchange: Pick<Exchange, "params" | "caller">,
    call: CookieCall & { readonly answersIn: Keeping },
    body: unknown,
  ) => AnswerInCookies;
}

export interface CookieDeps {
  readonly cookies: CookieMode;
}

/** The header by which a browser asks for cookie mode. */
const COOKIES_HEADER = "portcullis-cookies";
const CSRF_HEADER = "x-csrf-token";

const MAX_CSRF_TOKEN = 200;

/** Whether a call has a credential that can be in a cookie, or an answer that can set one. */
export function usesCookies({ access, method, forCookieMode }: Endpoint): boolean {
  if (access === "signed") return false;
  return access !== "public" || method !== "GET" || forCookieMode === true;
}

/**
 * Sets `exchange.cookies` if the request may use its cookies. A request that could change something
 * must come from a page of a trusted origin and have a CSRF token (CK-02, CK-03). If there is an
 * `Authorization` header, the cookies are ignored (CK-07).
 */
export const takeCookies: StepKind<CookieDeps> = {
  name: "take cookies",
  build: ({ cookies }, { endpoint }) => {
    if (endpoint === undefined || !usesCookies(endpoint)) return undefined;
    return (exchange) => {
      if (endpoint.forCookieMode === true && !mayRead(cookies, exchange))
        return refuse("csrf_refused", { reason: "origin", detail: WRONG_ORIGIN });
      const asked = exchange.header(COOKIES_HEADER);
      const header = exchange.header("cookie");
      if (asked === undefined && header === undefined) return undefined;
      if (exchange.header("authorization") !== undefined)
        return asked === undefined ? undefined : refuse("malformed_request", TWO_CREDENTIALS);
      if (asked !== undefined && asked !== "session" && asked !== "keep")
        return refuse("malformed_request", WRONG_MODE);
      const presented = cookies.read(header ?? "");
      if (presented === undefined) return refuse("malformed_request", AMBIGUOUS);
      if (endpoint.method !== "GET")
        return takeForWriting(cookies, endpoint, exchange, { presented, asked });
      // A page of another origin reads as if there were no cookies.
      if (mayRead(cookies, exchange)) exchange.cookies = presented;
      return undefined;
    };
  },
};

const TWO_CREDENTIALS = {
  detail: "Send either the Authorization header or Portcullis-Cookies, not both.",
};
const WRONG_MODE = { detail: "Portcullis-Cookies is either session or keep." };
const AMBIGUOUS = { detail: "The Cookie header has a cookie of this server twice, or misspelt." };

function mayRead(cookies: CookieMode, exchange: Exchange): boolean {
  const origin = exchange.header("origin");
  const isSameOrigin = exchange.header("sec-fetch-site") === "same-origin";
  return origin === undefined || isSameOrigin || cookies.trusts(origin);
}

/**
 * A call that needs no credential uses cookies only if it asks for cookie mode. Every other call
 * uses the access token of the cookie; if there is none, the next step tells so.
 */
function takeForWriting(
  cookies: CookieMode,
  endpoint: Endpoint,
  exchange: Exchange,
  {
    presented,
    asked,
  }: { readonly presented: PresentedCookies; readonly asked: Keeping | undefined },
): Refusal<"csrf_refused"> | undefined {
  const needed = endpoint.access === "public" ? asked : presented.accessToken;
  if (needed === undefined) return undefined;
  const refusal = forgery(cookies, endpoint, exchange, presented);
  if (refusal !== undefined) return refusal;
  // A refresh and a call of a signed-in user go on as the session began. A new sign-in chooses
  // anew, even if the browser still has the cookies of a session that has ended.
  const goesOn = endpoint.access !== "public" || endpoint.takesRefreshToken === true;
  const answersIn = (goesOn ? presented.keeping : undefined) ?? asked ?? "session";
  exchange.cookies = { ...presented, answersIn };
  return undefined;
}

/** Returns the refusal of a request that a page of another site could have caused. */
function forgery(
  cookies: CookieMode,
  endpoint: Endpoint,
  exchange: Exchange,
  presented: PresentedCookies,
): Refusal<"csrf_refused"> | undefined {
  const site = exchange.header("sec-fetch-site");
  const origin = exchange.header("origin");
  const isTrusted =
    site === "same-origin" || (site !== "none" && origin !== undefined && cookies.trusts(origin));
  if (!isTrusted) return refuse("csrf_refused", { reason: "origin", detail: WRONG_ORIGIN });
  const token = exchange.header(CSRF_HEADER);
  if (token === undefined)
    return refuse("csrf_refused", { reason: "missing_token", detail: MISSING_TOKEN });
  return token.length <= MAX_CSRF_TOKEN && cookies.accepts(token, presented, endpoint)
    ? undefined
    : refuse("csrf_refused", { reason: "token", detail: WRONG_TOKEN });
}

const WRONG_ORIGIN =
  "With cookies, a call must come from a page of this server's origin or of one that PORTCULLIS_ALLOWED_ORIGINS lists exactly.";
const MISSING_TOKEN =
  "With cookies, send the CSRF token as X-CSRF-Token. GET /v1/sessions/csrf returns it.";
const WRONG_TOKEN =
  "The CSRF token belongs to another session. GET /v1/sessions/csrf returns the right one.";

/**
 * Moves the tokens of the answer into cookies, so that no script can read them. It is the last
 * step, so that the answer has been compared with the contract before.
 */
export const answerInCookies: StepKind<CookieDeps> = {
  name: "answer in cookies",
  build: ({ cookies }, { endpoint }) => {
    if (endpoint === undefined || endpoint.method === "GET" || !usesCookies(endpoint))
      return undefined;
    return (exchange) => {
      const { answer, cookies: call } = exchange;
      if (answer?.kind !== "answered" || call?.answersIn === undefined) return undefined;
      const { body, setCookies, clearsSiteData } = cookies.answer(
        endpoint,
        exchange,
        { ...call, answersIn: call.answersIn },
        answer.body,
      );
      exchange.answer = { ...answer, body };
      for (const line of setCookies) exchange.setCookie(line);
      if (clearsSiteData)
        exchange.addedHeaders = { ...exchange.addedHeaders, "clear-site-data": '"cache"' };
      return undefined;
    };
  },
};
