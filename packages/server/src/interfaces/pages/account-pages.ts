import type { Headers } from "../../platform/http/headers.ts";
import type { Page, PageAnswer, Visit } from "../../platform/http/page.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { escapeHtml } from "../../records/mail/templates/text.ts";
import type { BuiltPages } from "./built-pages.ts";
import { chooseLanguage } from "./form.ts";
import { isListed } from "./return-url.ts";

/** The facts about the service that the pages show or adapt to. All of them are public. */
export interface ServiceFacts {
  readonly serviceName: string;
  readonly registration: "confirm" | "immediate" | "closed";
  readonly minimumPasswordLength: number;
  readonly usernames: boolean;
  readonly factors: boolean;
  readonly emailCodes: boolean;
  readonly rememberDays: number | null;
  readonly profileFields: Readonly<Record<string, unknown>> | null;
  readonly requiredFields: readonly string[];
  readonly brand: Brand;
}

export interface Brand {
  readonly logo: string | null;
  readonly color: string | null;
  readonly darkColor: string | null;
  readonly radius: string | null;
  readonly links: readonly { readonly name: string; readonly url: string }[];
}

export interface AccountPagesDeps {
  readonly random: Random;
  readonly publicUrl: string;
  readonly built: BuiltPages;
  readonly facts: ServiceFacts;
  /** The addresses to which a page may send a user who has signed in. */
  readonly returnUrls: readonly string[];
}

/** The pages that links open. Each has its own sentence for browsers without JavaScript. */
const linked = ["confirm", "reset", "email", "undo", "setup"] as const;
type Linked = (typeof linked)[number];

const withoutScript: Readonly<Record<"en" | "de", Readonly<Record<Linked | "account", string>>>> = {
  en: {
    account: "This page needs JavaScript. Turn it on, or use another browser.",
    confirm:
      "This page needs JavaScript. Without it, type the code from the mail where you registered.",
    reset:
      "This page needs JavaScript. Without it, type the code from the mail where you asked for a new password.",
    email:
      "This page needs JavaScript. Without it, type the code from the mail where you asked for the change.",
    undo: "This page needs JavaScript. Open the link in a browser that runs it.",
    setup: "This page needs JavaScript. Without it, run portcullis createsuperuser on the server.",
  },
  de: {
    account:
      "Diese Seite braucht JavaScript. Schalten Sie es ein oder benutzen Sie einen anderen Browser.",
    confirm:
      "Diese Seite braucht JavaScript. Ohne geben Sie den Code aus der E-Mail dort ein, wo Sie sich registriert haben.",
    reset:
      "Diese Seite braucht JavaScript. Ohne geben Sie den Code aus der E-Mail dort ein, wo Sie ein neues Passwort angefordert haben.",
    email:
      "Diese Seite braucht JavaScript. Ohne geben Sie den Code aus der E-Mail dort ein, wo Sie die Änderung begonnen haben.",
    undo: "Diese Seite braucht JavaScript. Öffnen Sie den Link in einem Browser, der es ausführt.",
    setup:
      "Diese Seite braucht JavaScript. Ohne geht es auf dem Server mit portcullis createsuperuser.",
  },
};

/** A file whose name has a hash of its content never changes. */
const FOREVER = "public, max-age=31536000, immutable";
const HTML = "text/html; charset=utf-8";

/**
 * Serves the account pages at `/account`, and the pages that links in mail open. Every page is the
 * same document, whose script shows what belongs to the path. The server never sees the token of a
 * link, because browsers keep the fragment out of requests, and nothing changes before the user
 * presses a button (RG-07).
 */
export function accountPages(deps: AccountPagesDeps): readonly Page[] {
  const at = (name: string, path: `/${string}`, sentence: Linked | "account"): Page => ({
    name,
    method: "GET",
    path,
    visit: (visit) => shell(deps, visit, sentence),
  });
  return [
    at("account", "/account", "account"),
    at("accountPage", "/account/{page}", "account"),
    {
      name: "accountAsset",
      method: "GET",
      path: "/account/assets/{file}",
      visit: ({ params, header }) => asset(deps.built, params["file"] ?? "", header),
    },
    {
      // Password managers open it (W3C, A Well-Known URL for Changing Passwords).
      name: "wellKnownChangePassword",
      method: "GET",
      path: "/.well-known/change-password",
      visit: () => {
        const location = `${new URL(deps.publicUrl).pathname.replace(/\/$/, "")}/account/profile`;
        return { kind: "page", status: 302, body: null, headers: { location } };
      },
    },
    ...linked.map((name) => at(name, `/${name}`, name)),
  ];
}

/** Answers at `/account` if the pages have not been built. */
export function missingPages(): Page {
  const body =
    "<!doctype html><html lang=en><title>Not built</title><p>The account pages have not been built. Run <code>npm run pages</code>, and start the server again.</p></html>\n";
  return {
    name: "account",
    method: "GET",
    path: "/account",
    visit: () => ({ kind: "page", status: 503, body, headers: { "content-type": HTML } }),
  };
}

function shell(
  { random, publicUrl, built, facts, returnUrls }: AccountPagesDeps,
  { header, target }: Visit,
  sentence: Linked | "account",
): PageAnswer {
  const language = chooseLanguage(header("accept-language"));
  const nonce = random.bytes(16).toString("base64");
  const base = new URL(publicUrl).pathname.replace(/\/$/, "");
  const settings = {
    base,
    language,
    nonce,
    ...facts,
    returning: returningTo(target, returnUrls),
  };
  const folder = `${base}/account/`;
  const body = `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escapeHtml(facts.serviceName)}</title>
<link rel="icon" href="data:,">
${built.styles.map((style) => `<link rel="stylesheet" href="${escapeHtml(folder + style)}">`).join("\n")}
<script type="application/json" id="settings">${JSON.stringify(settings).replaceAll("<", "\\u003c")}</script>
<script type="module" src="${escapeHtml(folder + built.script)}"></script>
</head>
<body>
<noscript><p>${escapeHtml(withoutScript[language][sentence])}</p></noscript>
<div id="root"></div>
</body>
</html>
`;
  return {
    kind: "page",
    status: 200,
    body,
    headers: {
      "content-type": HTML,
      "content-language": language,
      "content-security-policy": policy(nonce),
      vary: "accept-language",
    },
  };
}

/**
 * Mantine writes its variables into a style element, which has the nonce. React sets style
 * attributes through the DOM, which a policy without `unsafe-inline` allows. The QR code of an
 * authenticator app is a `data:` address.
 */
function policy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

interface Returning {
  readonly to: string | null;
  readonly refused: boolean;
}

/** Reads `?return_to=`, which counts only if the operator has listed that address. */
function returningTo(target: string, returnUrls: readonly string[]): Returning {
  const question = target.indexOf("?");
  const wanted =
    question === -1 ? null : new URLSearchParams(target.slice(question)).get("return_to");
  if (wanted === null) return { to: null, refused: false };
  return isListed(wanted, returnUrls)
    ? { to: wanted, refused: false }
    : { to: null, refused: true };
}

function asset(built: BuiltPages, file: string, header: Visit["header"]): PageAnswer {
  const found = built.assets.get(file);
  if (found === undefined) return { kind: "not_found" };
  const wantsGzip =
    found.gzip !== undefined &&
    /(?:^|,)\s*gzip\s*(?:,|$|;\s*q=(?!0(?:\.0*)?\s*(?:,|$)))/i.test(
      header("accept-encoding") ?? "",
    );
  const headers: Headers = {
    "content-type": found.type,
    "cache-control": FOREVER,
    vary: "accept-encoding",
    ...(wantsGzip && { "content-encoding": "gzip" }),
  };
  return {
    kind: "page",
    status: 200,
    body: wantsGzip && found.gzip !== undefined ? found.gzip : found.body,
    headers,
  };
}
