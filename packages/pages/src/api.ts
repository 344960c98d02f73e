import type { EndCause, endpoints, FailureCode } from "@portcullis/contract";
import { settings } from "./settings.ts";
import { forget, recall, store } from "./storage.ts";

type Endpoints = typeof endpoints;
type ByCall = {
  [
    Name in keyof Endpoints as `${Endpoints[Name]["method"]} ${Endpoints[Name]["path"]}`
  ]: Endpoints[Name];
};
export type Call = keyof ByCall;
type Schema = { readonly _zod: { readonly output: unknown; readonly input: unknown } };
type Output<S> = S extends Schema ? S["_zod"]["output"] : undefined;
type Input<S> = S extends Schema ? S["_zod"]["input"] : undefined;
export type AnswerOf<Name extends Call> = Output<
  ByCall[Name]["answers"][keyof ByCall[Name]["answers"]]
>;
export type BodyOf<Name extends Call> = ByCall[Name] extends { readonly input: infer S }
  ? Input<S>
  : never;

/** The JSON document of a refusal (RFC 9457). */
export interface Problem {
  readonly code: string;
  readonly status?: number;
  readonly reason?: string;
  readonly cause?: string;
  readonly instance?: string;
  readonly factors?: readonly string[];
  readonly retryAfterSeconds?: number;
  readonly errors?: readonly { readonly pointer?: string; readonly detail?: string }[];
}

/** A call that was refused, or that did not reach the server (`network`). */
export class PortcullisError extends Error {
  readonly code: FailureCode | "network";
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.code);
    this.name = "PortcullisError";
    this.problem = problem;
    // oxlint-disable-next-line typescript/consistent-type-assertions -- others are unknown
    this.code = problem.code as FailureCode | "network";
  }
}

export interface Options<Name extends Call> {
  readonly body?: BodyOf<Name>;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Asks for cookies: ones that stay, or ones that end with the browser. */
  readonly keep?: boolean;
}

type State = "unknown" | "signedIn" | "signedOut";

interface Visit {
  csrfToken: string;
  sessionId: string | null;
  expiresInSeconds: number | null;
}

let state: State = "unknown";
let visit: Promise<Visit> | undefined;
let refreshing: Promise<void> | undefined;
const listeners = new Set<() => void>();
let signedOutBecause: ((cause: EndCause | undefined) => void) | undefined;

/** Calls the server of these pages in cookie mode. No token ever reaches this code. */
export const client = {
  state: (): State => state,
  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  /** Sets what happens if the session has ended elsewhere. */
  onSignedOut: (act: (cause: EndCause | undefined) => void): void => {
    signedOutBecause = act;
  },
  call,
  start,
  signedIn: (answer: object): void => {
    rememberTokens(answer);
    takeCsrf(answer);
    become("signedIn");
  },
  signOut: async (): Promise<void> => {
    await call("DELETE /v1/sessions/current").catch(ignoreEnded);
    left();
  },
  left,
  deviceTokens: () => ({
    ...entry("deviceToken", recall("device")),
    ...entry("rememberToken", recall("remember")),
  }),
};

function entry(name: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: value };
}

function ignoreEnded(error: unknown): void {
  if (!(error instanceof PortcullisError) || error.problem.status !== 401) throw error;
}

/** The tokens of a device outlive the session: they spare it a second factor and mails. */
function rememberTokens(answer: object): void {
  if ("deviceToken" in answer && typeof answer.deviceToken === "string")
    store("device", answer.deviceToken);
  if ("rememberToken" in answer && typeof answer.rememberToken === "string")
    store("remember", answer.rememberToken);
}

function left(): void {
  visit = undefined;
  become("signedOut");
}

function become(next: State): void {
  if (state === next) return;
  state = next;
  for (const listener of listeners) listener();
}

/** Asks whether this browser is signed in, and renews a session that has slept. */
async function start(): Promise<void> {
  const { sessionId, expiresInSeconds } = await visited();
  if (sessionId === null) {
    become("signedOut");
    return;
  }
  if ((expiresInSeconds ?? 0) <= 5) await refresh();
  else become("signedIn");
}

async function visited(): Promise<Visit> {
  visit ??= send("GET", "/v1/sessions/csrf", {}).then(async (response) => response.json());
  try {
    return await visit;
  } catch (error) {
    visit = undefined;
    throw error;
  }
}

async function call<Name extends Call>(
  name: Name,
  options: Options<Name> = {},
): Promise<AnswerOf<Name>> {
  const [method = "", template = ""] = name.split(" ");
  const path = template.replaceAll(/\{(\w+)\}/g, (_, key: string) => options.params?.[key] ?? "");
  const query = options.query === undefined ? "" : `?${new URLSearchParams(options.query)}`;
  const attempt = async (): Promise<Response> =>
    send(method, path + query, {
      ...(options.body !== undefined && { body: options.body }),
      ...(options.signal !== undefined && { signal: options.signal }),
      ...(options.keep !== undefined && { keep: options.keep }),
    });
  const response = await attempt().catch(async (error: unknown) => {
    if (!(error instanceof PortcullisError)) throw error;
    const { code, problem } = error;
    if (code === "csrf_refused" && problem.reason !== "origin") visit = undefined;
    else if (isStale(code) && state === "signedIn") await refresh();
    else if (code === "session_ended" && state === "signedIn") return afterEnd(attempt, problem);
    else throw error;
    return attempt();
  });
  const answer = response.status === 204 ? undefined : await response.json().catch(() => undefined);
  if (typeof answer === "object" && answer !== null) {
    takeCsrf(answer);
    if ("tokens" in answer && typeof answer.tokens === "object" && answer.tokens !== null)
      takeCsrf(answer.tokens);
  }
  return answer;
}

const isStale = (code: string): boolean =>
  code === "token_expired" || code === "token_stale" || code === "unauthenticated";

/**
 * Another tab may have stepped up meanwhile: the cookies then hold a new session, and the call is
 * repeated. Otherwise the user is signed out.
 */
async function afterEnd(attempt: () => Promise<Response>, problem: Problem): Promise<Response> {
  visit = undefined;
  const now = await visited();
  if (now.sessionId !== null && (now.expiresInSeconds ?? 0) > 0)
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof PortcullisError) || error.code !== "session_ended") throw error;
    }
  ended(problem);
  throw new PortcullisError(problem);
}

function takeCsrf(answer: object): void {
  if (!("csrfToken" in answer) || typeof answer.csrfToken !== "string") return;
  const sessionId = "sessionId" in answer ? String(answer.sessionId) : null;
  visit = Promise.resolve({ csrfToken: answer.csrfToken, sessionId, expiresInSeconds: null });
}

/** There is one refresh at a time. Another tab that refreshes meanwhile gets the same tokens. */
async function refresh(): Promise<void> {
  refreshing ??= renew().finally(() => (refreshing = undefined));
  return refreshing;
}

async function renew(): Promise<void> {
  const body = { attemptId: attemptId() };
  const attempt = async (): Promise<Response> =>
    send("POST", "/v1/sessions/refresh", { body, keep: true });
  try {
    const response = await attempt().catch(async (error: unknown) => {
      if (!(error instanceof PortcullisError)) throw error;
      if (error.code === "csrf_refused") visit = undefined;
      else if (error.code !== "network") throw error;
      return attempt();
    });
    forget("attempt");
    takeCsrf(await response.json());
    become("signedIn");
  } catch (error) {
    if (error instanceof PortcullisError && error.problem.status === 401) {
      forget("attempt");
      ended(error.problem);
    }
    throw error;
  }
}

/** The id of a refresh is kept until it has succeeded, so that a lost answer can be asked for. */
function attemptId(): string {
  const kept = recall("attempt");
  if (kept !== undefined) return kept;
  // oxlint-disable-next-line no-restricted-properties -- a browser has no other source of chance
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const made = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  store("attempt", made);
  return made;
}

function ended({ cause }: Problem): void {
  const wasIn = state !== "signedOut";
  left();
  // oxlint-disable-next-line typescript/consistent-type-assertions -- others are unknown
  if (wasIn) signedOutBecause?.(cause as EndCause | undefined);
}

async function send(
  method: string,
  path: string,
  {
    body,
    signal,
    keep,
  }: { readonly body?: unknown; readonly signal?: AbortSignal; readonly keep?: boolean },
): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (method !== "GET") {
    headers["x-csrf-token"] = (await visited()).csrfToken;
    if (keep !== undefined) headers["portcullis-cookies"] = keep ? "keep" : "session";
  }
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(settings.base + path, {
    method,
    headers,
    credentials: "same-origin",
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw new PortcullisError({ code: "network" });
  });
  if (response.ok) return response;
  const problem: Problem = await response.json().catch(() => ({ code: "internal" }));
  throw new PortcullisError({ ...problem, status: response.status });
}
