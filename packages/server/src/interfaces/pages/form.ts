import type { FailureCode } from "@portcullis/contract";
import type { Random } from "../../platform/kernel/random.ts";
import type { Page } from "../../platform/http/page.ts";

const languages = ["en", "de"] as const;
type Language = (typeof languages)[number];

/**
 * A page that a mailed or printed link opens. It reads the token from the fragment of the address
 * and, when the user presses the button, posts it with the fields.
 */
export interface Form<Field extends string> {
  readonly name: string;
  readonly path: `/${string}`;
  readonly post: { readonly path: `/v1/${string}`; readonly tokenMember: string };
  /** The fields in their order. Their names are the members of the body. */
  readonly fields: Readonly<Record<Field, FieldKind>>;
  readonly words: Readonly<Record<Language, Words<Field>>>;
}

export interface Words<Field extends string> {
  readonly title: string;
  readonly explanation: string;
  readonly labels: Readonly<Record<Field, string>>;
  readonly button: string;
  readonly done: string;
  /** Tells what to do if scripts do not run. */
  readonly withoutScript: string;
  /** Words for refusals, which take precedence over those that every form has. */
  readonly refusals: Refusals;
}

type FieldKind = keyof typeof fieldKinds;
type Refusals = Readonly<Partial<Record<FailureCode | "incomplete", string>>>;

const fieldKinds = {
  email: `type="email" autocomplete="username"`,
  current_password: `type="password" autocomplete="current-password"`,
  new_password: `type="password" autocomplete="new-password"`,
} as const;

/** After these refusals the form can be sent again. After any other the link is of no more use. */
const passing = [
  "wrong_password",
  "unacceptable_password",
  "invalid_input",
  "rate_limited",
  "busy",
  "unavailable",
  "internal",
] as const satisfies readonly FailureCode[];

interface CommonWords {
  readonly show: string;
  readonly unreachable: string;
  readonly otherwise: string;
  readonly passwords: Readonly<Record<string, string>>;
  readonly refusals: Refusals;
}

const common: Readonly<Record<Language, CommonWords>> = {
  en: {
    show: "Show password",
    unreachable: "The server cannot be reached. Check your connection and try again.",
    otherwise: "That did not work. Try again later.",
    passwords: {
      too_short: "This password is too short.",
      too_long: "This password is too long.",
      common: "Many people use this password. Choose another one.",
      contains_context:
        "This password is made of your address, your name or the name of this service. Choose another one.",
      forbidden_character: "This password has a character that cannot be used.",
    },
    refusals: {
      incomplete: "The link is incomplete. Open it from the mail again, or copy all of it.",
      invalid_link:
        "The link is incomplete or not one of ours. Open it from the mail again, or copy all of it.",
      link_used: "This link has been used already.",
      link_expired: "This link has expired.",
      link_void:
        "This link no longer works: a newer one has taken its place, or it was tried too often.",
      wrong_password: "This is not the right password. Try again.",
      unacceptable_password: "This password cannot be used. Choose another one.",
      invalid_input: "Some of this is not acceptable. Check what you typed.",
      rate_limited: "Too many attempts. Wait a quarter of an hour, then try again.",
      busy: "The server is busy. Try again in a moment.",
      unavailable: "The server is busy. Try again in a moment.",
      email_taken: "This e-mail address belongs to an account already.",
      username_taken: "This username belongs to somebody else by now.",
    },
  },
  de: {
    show: "Passwort anzeigen",
    unreachable:
      "Der Server ist nicht erreichbar. Prüfen Sie die Verbindung und versuchen Sie es noch einmal.",
    otherwise: "Das hat nicht geklappt. Versuchen Sie es später noch einmal.",
    passwords: {
      too_short: "Dieses Passwort ist zu kurz.",
      too_long: "Dieses Passwort ist zu lang.",
      common: "Dieses Passwort benutzen viele. Wählen Sie ein anderes.",
      contains_context:
        "Dieses Passwort besteht aus Ihrer Adresse, Ihrem Namen oder dem Namen dieses Dienstes. Wählen Sie ein anderes.",
      forbidden_character: "Dieses Passwort enthält ein Zeichen, das nicht verwendet werden kann.",
    },
    refusals: {
      incomplete:
        "Der Link ist unvollständig. Öffnen Sie ihn noch einmal aus der E-Mail oder kopieren Sie ihn ganz.",
      invalid_link:
        "Der Link ist unvollständig oder nicht von uns. Öffnen Sie ihn noch einmal aus der E-Mail oder kopieren Sie ihn ganz.",
      link_used: "Dieser Link wurde schon benutzt.",
      link_expired: "Dieser Link ist abgelaufen.",
      link_void:
        "Dieser Link gilt nicht mehr: Ein neuerer hat ihn ersetzt, oder er wurde zu oft versucht.",
      wrong_password: "Das ist nicht das richtige Passwort. Versuchen Sie es noch einmal.",
      unacceptable_password: "Dieses Passwort kann nicht verwendet werden. Wählen Sie ein anderes.",
      invalid_input: "Etwas davon geht so nicht. Prüfen Sie Ihre Eingaben.",
      rate_limited:
        "Zu viele Versuche. Warten Sie eine Viertelstunde und versuchen Sie es dann noch einmal.",
      busy: "Der Server ist gerade ausgelastet. Versuchen Sie es gleich noch einmal.",
      unavailable: "Der Server ist gerade ausgelastet. Versuchen Sie es gleich noch einmal.",
      email_taken: "Diese E-Mail-Adresse gehört schon zu einem Konto.",
      username_taken: "Dieser Benutzername gehört inzwischen jemand anderem.",
    },
  },
};

/**
 * Serves a page that a link opens. That changes nothing and does not even show us the token,
 * because browsers keep the fragment out of requests. Mail scanners may follow the link as often as
 * they like (RG-07).
 */
export function formPage<Field extends string>(random: Random, form: Form<Field>): Page {
  return {
    name: form.name,
    method: "GET",
    path: form.path,
    visit: ({ header }) => {
      const language = chooseLanguage(header("accept-language"));
      const nonce = random.bytes(16).toString("base64");
      const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`;
      return {
        kind: "page",
        status: 200,
        body: html(form, language, nonce),
        headers: {
          "content-type": "text/html; charset=utf-8",
          "content-language": language,
          "content-security-policy": policy,
          vary: "accept-language",
        },
      };
    },
  };
}

/**
 * Chooses the best of our languages by weight, then by order (RFC 9110 §12.5.4). English if none is
 * wanted.
 */
export function chooseLanguage(acceptLanguage: string | undefined): Language {
  const wanted = (acceptLanguage ?? "")
    .split(",")
    .slice(0, 32)
    .map((range) => {
      const [tag = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith("q="));
      return {
        language: tag.split("-", 1)[0],
        weight: weight === undefined ? 1 : Number(weight.slice(2)),
      };
    })
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight);
  for (const { language } of wanted) {
    const ours = languages.find((one) => one === language);
    if (ours !== undefined) return ours;
  }
  return "en";
}

function html<Field extends string>(form: Form<Field>, language: Language, nonce: string): string {
  const words = form.words[language];
  const shared = common[language];
  const names = Object.keys(form.fields).filter((name): name is Field => name in form.fields);
  const hasPassword = names.some((name) => form.fields[name] !== "email");
  const script = {
    ...form.post,
    passing,
    done: words.done,
    unreachable: shared.unreachable,
    otherwise: shared.otherwise,
    passwords: shared.passwords,
    refusals: { ...shared.refusals, ...words.refusals },
  };
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escape(words.title)}</title>
<style nonce="${nonce}">
${STYLE}</style>
</head>
<body>
<main>
<h1>${escape(words.title)}</h1>
<noscript><p>${escape(words.withoutScript)}</p></noscript>
<form id="form" hidden>
<p>${escape(words.explanation)}</p>
${names.map((name) => inputOf(name, form.fields[name], words.labels[name])).join("\n")}
${hasPassword ? `<label class="check"><input id="show" type="checkbox"> ${escape(shared.show)}</label>` : ""}
<button id="send">${escape(words.button)}</button>
</form>
<p id="refused" role="alert" tabindex="-1"></p>
<p id="done" role="status" tabindex="-1"></p>
</main>
<script nonce="${nonce}">
const page = ${JSON.stringify(script).replaceAll("<", "\\u003c")};
${SCRIPT}</script>
</body>
</html>
`;
}

function inputOf(name: string, kind: FieldKind, label: string): string {
  return `<label for="${name}">${escape(label)}</label>
<input id="${name}" name="${name}" ${fieldKinds[kind]} aria-describedby="refused" autocapitalize="none" spellcheck="false" required>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

const STYLE = `:root { --accent: #1c5d99; --on-accent: #fff; --line: #767676; --bad: #a3121f; --good: #14663a; }
@media (prefers-color-scheme: dark) { :root { --accent: #8cc4f5; --on-accent: #0d1b28; --line: #8a8a8a; --bad: #ff9c9c; --good: #86d9a4; } }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 0 auto; padding: 12vh 1.25rem 2rem; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input { width: 100%; box-sizing: border-box; font: inherit; padding: .6rem .7rem; border: 1px solid var(--line); border-radius: 6px; }
label.check { font-weight: normal; margin-top: .75rem; }
.check input { width: auto; margin: 0 .4rem 0 0; vertical-align: baseline; }
button { display: block; width: 100%; margin-top: 1.5rem; font: inherit; font-weight: 600; padding: .7rem 1.2rem; border: 0; border-radius: 6px; background: var(--accent); color: var(--on-accent); cursor: pointer; }
button:disabled { opacity: .6; cursor: progress; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
#refused, #done { margin: 1.25rem 0 0; padding-left: .9rem; border-left: 4px solid; }
#refused { color: var(--bad); }
#done { color: var(--good); }
#refused:empty, #done:empty { display: none; }
#refused:focus, #done:focus { outline: none; }
`;

const SCRIPT = `const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
addEventListener("hashchange", () => location.reload());
const form = document.getElementById("form");
const send = document.getElementById("send");
const fields = [...form.querySelectorAll("input[name]")];
document.getElementById("show")?.addEventListener("change", ({ target }) => {
  for (const field of fields) if (field.autocomplete.endsWith("password")) field.type = target.checked ? "text" : "password";
});
if (token === "") end("refused", page.refusals.incomplete);
else form.hidden = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  send.disabled = true;
  say("refused", "");
  for (const field of fields) field.removeAttribute("aria-invalid");
  const body = JSON.stringify({ [page.tokenMember]: token, ...Object.fromEntries(new FormData(form)) });
  const response = await fetch(page.path, { method: "POST", headers: { "content-type": "application/json" }, body }).catch(() => undefined);
  if (response?.ok) return end("done", page.done);
  const problem = await response?.json().catch(() => undefined);
  send.disabled = false;
  if (response === undefined) return say("refused", page.unreachable);
  const words = page.passwords[problem?.reason] ?? page.refusals[problem?.code] ?? page.otherwise;
  if (problem !== undefined && !page.passing.includes(problem.code)) return end("refused", words);
  say("refused", words);
  if (response.status !== 422) return send.focus();
  const wrong = problem.code === "invalid_input" ? fields[0] : fields.at(-1);
  wrong.setAttribute("aria-invalid", "true");
  wrong.focus();
  wrong.select();
});
function say(where, words) {
  document.getElementById(where).textContent = words;
}
function end(where, words) {
  form.remove();
  say(where, words);
  document.getElementById(where).focus();
}
`;
