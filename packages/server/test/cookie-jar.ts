import assert from "node:assert/strict";
import { publicUrl, type Answered, type Refused, type World } from "./world.ts";

interface Kept {
  readonly value: string;
  readonly path: string;
  /** Undefined if the cookie ends with the browser. */
  readonly expiresAt: number | undefined;
}

export interface Asked {
  readonly body?: unknown;
  /** Replaces headers that the browser or the page would send; `undefined` leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** The body of an answer in cookie mode that has a session. */
export interface InCookies {
  readonly csrfToken: string;
  readonly sessionId: string;
  readonly expiresInSeconds: number;
}

/**
 * A browser with a page of the server's own origin: it keeps cookies as RFC 6265 §5.3 says, and
 * sends the headers that Chromium sends.
 */
export class Browser {
  readonly world: World;
  jar = new Map<string, Kept>();
  /** The `Set-Cookie` lines of the latest answer. */
  lines: readonly string[] = [];
  csrfToken = "";

  constructor(world: World) {
    this.world = world;
  }

  async request<Body = Refused>(
    method: string,
    path: string,
    { body, headers = {} }: Asked = {},
  ): Promise<Answered<Body>> {
    const sent: Record<string, string | undefined> = {
      cookie: this.cookiesFor(path) || undefined,
      "sec-fetch-site": "same-origin",
      ...(method !== "GET" && { origin: publicUrl, "x-csrf-token": this.csrfToken }),
      ...headers,
    };
    const answered = await this.world.request<Body>(method, path, {
      ...(body !== undefined && { body }),
      headers: Object.fromEntries(
        Object.entries(sent).filter((pair): pair is [string, string] => pair[1] !== undefined),
      ),
    });
    this.lines = answered.headers.getSetCookie();
    for (const line of this.lines) this.keep(line);
    const said: unknown = answered.body;
    if (typeof said === "object" && said !== null && "csrfToken" in said)
      this.csrfToken = String(said.csrfToken);
    return answered;
  }

  /** Opens the page: asks for the CSRF token, as every page does when it starts. */
  async open(): Promise<{
    readonly sessionId: string | null;
    readonly expiresInSeconds: number | null;
  }> {
    const answered = await this.request<{
      readonly sessionId: string | null;
      readonly expiresInSeconds: number | null;
    }>("GET", "/v1/sessions/csrf");
    assert.equal(answered.status, 200, answered.text);
    return answered.body;
  }

  async signIn(
    user: { readonly email: string; readonly password: string },
    kind: "keep" | "session" = "session",
  ): Promise<Answered<InCookies & Refused>> {
    await this.open();
    return this.request<InCookies & Refused>("POST", "/v1/sessions", {
      body: { identifier: user.email, password: user.password },
      headers: { "portcullis-cookies": kind },
    });
  }

  async refresh(asked: Asked = {}): Promise<Answered<InCookies & Refused>> {
    return this.request<InCookies & Refused>("POST", "/v1/sessions/refresh", {
      body: {},
      ...asked,
      headers: { "portcullis-cookies": "session", ...asked.headers },
    });
  }

  /** Closes the browser and opens it again. */
  reopen(): void {
    for (const [name, { expiresAt }] of this.jar)
      if (expiresAt === undefined) this.jar.delete(name);
    this.csrfToken = "";
  }

  value(name: string): string {
    return this.jar.get(name)?.value ?? assert.fail(`there is no cookie ${name}`);
  }

  cookiesFor(path: string): string {
    const now = this.world.clock.now();
    return [...this.jar]
      .filter(
        ([, kept]) => kept.path === "/" || path.startsWith(`${kept.path}/`) || path === kept.path,
      )
      .filter(([, { expiresAt }]) => expiresAt === undefined || expiresAt > now)
      .map(([name, { value }]) => `${name}=${value}`)
      .join("; ");
  }

  private keep(line: string): void {
    const [pair = "", ...attributes] = line.split("; ");
    const at = pair.indexOf("=");
    const read = new Map(attributes.map((text) => [text.split("=")[0] ?? "", text.split("=")[1]]));
    const maxAge = read.get("Max-Age");
    const name = pair.slice(0, at);
    if (maxAge === "0") this.jar.delete(name);
    else
      this.jar.set(name, {
        value: pair.slice(at + 1),
        path: read.get("Path") ?? "/",
        expiresAt: maxAge === undefined ? undefined : this.world.clock.now() + Number(maxAge),
      });
  }
}

export const ACCESS = "__Host-portcullis_access";
export const REFRESH = "__Secure-portcullis_refresh";
export const VISIT = "__Host-portcullis_visit";
