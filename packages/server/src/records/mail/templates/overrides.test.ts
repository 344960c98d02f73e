import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { readOverrides } from "./overrides.ts";
import { builtInTemplates as templates } from "./built-in.ts";
import { contents, sampleMoment as now } from "./contents.ts";
import { createLetters, type Letters } from "./templates.ts";

const publicUrl = "https://accounts.example.com";
const root = mkdtempSync(join(tmpdir(), "portcullis-templates-"));
after(() => rmSync(root, { recursive: true }));

function directoryOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const directory = mkdtempSync(join(root, "case-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return directory;
}

function lettersOf(files: Readonly<Record<string, string>>, serviceName = "Acme"): Letters {
  return createLetters({
    serviceName,
    publicUrl,
    fallbackLocale: "en",
    templates,
    overrides: readOverrides(directoryOf(files), templates),
  });
}

const RESET = `Subject: Nouveau mot de passe pour {{serviceName}}

Votre code :

    {{code}}

Il est valable {{codeValidity}}.
Ou suivez ce lien, valable {{linkValidity}} :

    {{link}}
`;

test("an operator adds a language, and its users get the letters in it and all others in the fallback", () => {
  const letters = lettersOf({ "fr/password_reset.txt": RESET });
  assert.deepEqual(letters.locales, ["de", "en", "fr"]);
  const letter = letters.write("password_reset", {
    data: contents.password_reset.sample,
    locale: "fr-CA",
    now,
  });
  assert.equal(letter.subject, "Nouveau mot de passe pour Acme");
  assert.equal(
    letter.text,
    `Votre code :\n\n    01234567\n\nIl est valable 10 minutes.\nOu suivez ce lien, valable 30 minutes :\n\n    ${publicUrl}/reset#${contents.password_reset.sample.token}\n`,
  );
  assert.match(letters.write("test", { data: {}, locale: "fr", now }).subject, /^Test mail/);
  assert.match(
    letters.write("password_reset", { data: contents.password_reset.sample, locale: "de", now })
      .subject,
    /^Neues Passwort/,
  );
});

test("an operator's words take the place of ours, in their language and in its variants", () => {
  const letters = lettersOf({
    "de/test.txt": "Subject: Probe\n\nHallo!",
    "de-at/test.txt": "subject:  Servus \r\n\r\nGriaß di!\r\n",
  });
  const written = (locale: string) => letters.write("test", { data: {}, locale, now });
  assert.deepEqual([written("de").subject, written("de").text], ["Probe", "Hallo!\n"]);
  assert.deepEqual([written("de-CH").subject, written("de-AT").subject], ["Probe", "Servus"]);
  assert.equal(written("de-AT").text, "Griaß di!\n");
  assert.match(written("en").subject, /^Test mail/);
});

test("the HTML is made of the operator's text if there is no HTML file: the same words, links to click, the code large", () => {
  const { html } = lettersOf({ "fr/password_reset.txt": RESET }).write("password_reset", {
    data: contents.password_reset.sample,
    locale: "fr",
    now,
  });
  const link = `${publicUrl}/reset#${contents.password_reset.sample.token}`;
  assert.ok(html.includes(`<html lang="fr">`));
  assert.ok(html.includes("<title>Nouveau mot de passe pour Acme</title>"));
  assert.ok(html.includes(`<a href="${link}">${link}</a>`));
  assert.match(html, />0123<\/span><span>4567</);
  assert.match(html, />Il est valable 10 minutes\.<br>\nOu suivez/);
  assert.doesNotMatch(html, /password|Choose/);
});

test("an operator's HTML is sent as it is, with the words escaped", () => {
  const letters = lettersOf(
    {
      "en/new_device.txt":
        "Subject: New\n\n{{when}} {{address}} {{#userAgent}}by {{userAgent}}{{/userAgent}}{{^userAgent}}by nobody{{/userAgent}}",
      "en/new_device.html": `<!doctype html><p title="{{userAgent}}">{{! who }}{{userAgent}}</p><a href="{{publicUrl}}">{{serviceName}}</a>`,
    },
    "A&B",
  );
  const write = (userAgent: string) =>
    letters.write("new_device", {
      data: { ...contents.new_device.sample, userAgent },
      locale: "en",
      now,
    });
  const hostile = write(`"><script>alert('1')</script>`);
  assert.match(hostile.text, /^January 15, 2027 at 7:59 AM UTC 192\.0\.2\.17 by "><script>/);
  assert.doesNotMatch(hostile.html, /<script|"">/);
  assert.ok(hostile.html.includes("&lt;script&gt;alert(&#39;1&#39;)"));
  assert.ok(hostile.html.endsWith(">A&amp;B</a>"));
  assert.match(write("").text, / by nobody\n$/);
});

test("IN-12 RG-13 the name that a client gives itself makes no second line, header or link in an operator's letter", () => {
  const letters = lettersOf({
    "en/new_device.txt": "Subject: By {{userAgent}}\n\nBy {{userAgent}}",
  });
  const data = {
    ...contents.new_device.sample,
    userAgent: "a\r\nBcc: b@x.test\r\n\r\n    01234567 https://evil.test/ <b>",
  };
  const letter = letters.write("new_device", { data, locale: "en", now });
  assert.equal(letter.subject, "By a Bcc: b@x. test     01234567 https:// evil. test/ <b>");
  assert.equal(letter.text, `${letter.subject}\n`);
  assert.doesNotMatch(letter.html, /<b>|<a |<br>/);
});

for (const [what, files, sentence] of [
  [
    "a name that is no template's",
    { "de/welcome.txt": "Subject: a\n\nb" },
    /^de\/welcome\.txt is no template: name it .*password_reset/,
  ],
  [
    "an ending of another kind",
    { "de/test.md": "Subject: a\n\nb" },
    /^de\/test\.md is no template/,
  ],
  [
    "a name every object has",
    { "de/constructor.txt": "Subject: a\n\nb" },
    /^de\/constructor\.txt is no template/,
  ],
  [
    "a folder that is no language",
    { "templates/test.txt": "Subject: a\n\nb" },
    /^templates is not a language: .* pt-BR/,
  ],
  [
    "a language by its English name",
    { "german/test.txt": "Subject: a\n\nb" },
    /^german is not a language/,
  ],
  ["a file outside the folders", { "notes.txt": "" }, /^notes\.txt is not a language/],
  [
    "one language twice",
    { "pt-br/test.txt": "Subject: a\n\nb", "pt-BR/test.txt": "Subject: a\n\nb" },
    /there is twice|is there twice/,
  ],
  ["HTML without a text", { "de/test.html": "<p>a" }, /^de\/test\.html needs test\.txt beside it/],
  [
    "no subject",
    { "de/test.txt": "Hallo!\n\nb" },
    /^de\/test\.txt must begin with a line "Subject: …"/,
  ],
  [
    "an empty subject",
    { "de/test.txt": "Subject:  \n\nb" },
    /^de\/test\.txt must begin with a line "Subject: …"/,
  ],
  [
    "a subject that comes to nothing",
    { "de/test.txt": "Subject: {{! nothing }}\n\nb" },
    /^de\/test\.txt must have a subject/,
  ],
  [
    "a subject of two lines",
    { "de/test.txt": "Subject: a\u2028b\n\nc" },
    /^de\/test\.txt must have a subject, and one of one line/,
  ],
  ["a subject that goes on", { "de/test.txt": "Subject: a\n b\n\nc" }, /^de\/test\.txt must begin/],
  ["no text", { "de/test.txt": "Subject: a\n\n \n" }, /^de\/test\.txt must begin/],
  [
    "an unknown variable",
    { "de/test.txt": "Subject: a\n\n{{code}}" },
    /^de\/test\.txt has no \{\{code\}\} to say: there are publicUrl, serviceName/,
  ],
  [
    "an unknown variable in the subject",
    { "de/test.txt": "Subject: {{name}}\n\nb" },
    /has no \{\{name\}\}/,
  ],
  [
    "an unknown variable in a section",
    { "de/test.txt": "Subject: a\n\n{{#serviceName}}{{.}}{{/serviceName}}" },
    /has no \{\{\.\}\}/,
  ],
  [
    "an unknown section",
    { "de/test.txt": "Subject: a\n\n{{^admin}}b{{/admin}}" },
    /has no \{\{admin\}\}/,
  ],
  [
    "a variable every object has",
    { "de/test.txt": "Subject: a\n\n{{constructor}}" },
    /has no \{\{constructor\}\}/,
  ],
  [
    "a look into a variable",
    { "de/test.txt": "Subject: a\n\n{{serviceName.length}}" },
    /has no \{\{serviceName\.length\}\}/,
  ],
  [
    "three braces",
    { "de/test.txt": "Subject: a\n\n{{{serviceName}}}" },
    /must not use \{\{\{serviceName\}\}\} .* write \{\{serviceName\}\}/,
  ],
  [
    "an ampersand",
    { "de/test.txt": "Subject: a\n\n{{#serviceName}}{{& serviceName}}{{/serviceName}}" },
    /must not use/,
  ],
  [
    "an ampersand in the HTML",
    { "de/test.txt": "Subject: a\n\nb", "de/test.html": "{{&serviceName}}" },
    /^de\/test\.html must not use/,
  ],
  [
    "other delimiters",
    { "de/test.txt": "Subject: a\n\n{{=<% %>=}}<%& serviceName %>" },
    /must not use .* delimiters/,
  ],
  ["another file", { "de/test.txt": "Subject: a\n\n{{> footer}}" }, /must not use \{\{>footer\}\}/],
  [
    "a tag that does not close",
    { "de/test.txt": "Subject: a\n\n{{serviceName" },
    /^de\/test\.txt is not a Mustache template: Unclosed tag/,
  ],
  [
    "a section that does not close",
    { "de/test.txt": "Subject: a\n\n{{#serviceName}}" },
    /Unclosed section "serviceName"/,
  ],
  [
    "no code",
    { "de/password_reset.txt": "Subject: a\n\n{{link}}" },
    /^de\/password_reset\.txt must say \{\{code\}\}/,
  ],
  [
    "no link",
    { "de/email_changed.txt": "Subject: a\n\nb" },
    /^de\/email_changed\.txt must say \{\{link\}\}/,
  ],
  [
    "no link in the HTML",
    { "de/email_changed.txt": "Subject: a\n\n{{link}}", "de/email_changed.html": "<p>" },
    /^de\/email_changed\.html must say \{\{link\}\}/,
  ],
  [
    "bytes that are no text",
    { "de/test.txt": Uint8Array.of(0x53, 0xff) },
    /^de\/test\.txt must be text in UTF-8/,
  ],
  [
    "a folder in place of a file",
    { "de/test.txt/x": "" },
    /^de\/test\.txt cannot be read \(EISDIR\)/,
  ],
] as const) {
  test(`templates with ${what} are refused at the start`, () => {
    const directory = directoryOf(files);
    assert.throws(
      () => readOverrides(directory, templates),
      (error) =>
        error instanceof RangeError &&
        sentence.test(error.message) &&
        !error.message.includes(root),
    );
  });
}

test("a directory that is not there is refused, and hidden files are passed over", () => {
  assert.throws(
    () => readOverrides(join(root, "nowhere"), templates),
    /^RangeError: \S+nowhere cannot be read \(ENOENT\)$/,
  );
  assert.equal(
    readOverrides(directoryOf({ ".git/config": "", "de/.test.txt.swp": "" }), templates).get("de")
      ?.size,
    0,
  );
});
