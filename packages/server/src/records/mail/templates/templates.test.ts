import assert from "node:assert/strict";
import { test } from "node:test";
import { templateData } from "./data.ts";
import { sampleMoment as now, samples } from "./samples.ts";
import { createLetters } from "./templates.ts";

const publicUrl = "https://accounts.example.com";
const letters = createLetters({ serviceName: "Acme", publicUrl, fallbackLocale: "en" });
const all = ["en", "de"].flatMap((locale) =>
  letters.names.map((name) => ({
    locale,
    name,
    letter: letters.write(name, { data: samples[name], locale, now }),
  })),
);

/** What is read and copied of the HTML. */
const seen = (html: string): string =>
  html.replace(/^.*<body[^>]*>/s, "").replaceAll(/<[^>]+>/g, "");

test("there is a letter for everything that is mailed, in English and in German", () => {
  assert.deepEqual(letters.names.toSorted(), Object.keys(templateData).toSorted());
  assert.deepEqual(letters.locales, ["de", "en"]);
  for (const name of letters.names) {
    const [english, german] = all.filter((one) => one.name === name).map(({ letter }) => letter);
    assert.notEqual(english?.subject, german?.subject, name);
    assert.match(english?.text ?? "", /\b(the|this|it)\b/, name);
    assert.match(german?.text ?? "", /\b(Sie|Das|Ihr)\b/, name);
  }
});

test("no letter lacks a word", () => {
  for (const { locale, name, letter } of all) {
    for (const part of [letter.subject, letter.text, seen(letter.html)]) {
      assert.match(part, /Acme/, `${locale} ${name}`);
      assert.doesNotMatch(
        part,
        /undefined|null|NaN|\[object|Invalid|\{\{|\$\{|\S {2}| [.,:;]/,
        `${locale} ${name}`,
      );
    }
    assert.ok(letter.html.includes(`<html lang="${locale}">`));
  }
});

test("text and HTML say the same", () => {
  for (const { locale, name, letter } of all) {
    const html = seen(letter.html).replaceAll(/\s/g, "");
    for (const line of letter.text.split("\n").map((one) => one.trim())) {
      const [label, value] = line.startsWith("http") ? [line] : line.split(/: (?=\S)/);
      for (const words of [label, value])
        assert.ok(
          html.includes((words ?? "").replaceAll(/\s/g, "")),
          `${locale} ${name}: ${words}`,
        );
    }
  }
});

test("a code stands on a line of its own, and is copied from the HTML in one piece", () => {
  const withCode = all.filter(({ name }) => "code" in samples[name]);
  assert.equal(withCode.length, 8);
  for (const { letter } of withCode) {
    assert.match(letter.text, /^ {4}01234567$/m);
    assert.match(seen(letter.html), /^01234567$/m);
    assert.match(letter.html, />0123<\/span><span>4567</, "and read in two groups");
    assert.doesNotMatch(letter.subject, /\d/, "a subject shows on locked screens");
  }
});

test("a link stands on a line of its own, and is a button and an address in the HTML", () => {
  const paths = {
    confirm_registration: "/confirm",
    password_reset: "/reset",
    confirm_email: "/email",
    email_changed: "/undo",
  };
  for (const [name, path] of Object.entries(paths)) {
    for (const { letter } of all.filter((one) => one.name === name)) {
      const link = /^ {4}(\S+)$/gm.exec(letter.text.replace(/^ {4}\d{8}$/m, ""))?.[1] ?? "";
      assert.ok(link.startsWith(`${publicUrl}${path}#sample-`), link);
      assert.deepEqual(
        [...letter.html.matchAll(/href="([^"]+)"/g)].map(([, url]) => url),
        [link, link],
      );
      assert.ok(letter.html.includes(`>${link}</a>`));
    }
  }
});

test("how long a code and a link are good for is counted from the sending, and half a minute on the way is not counted", () => {
  const said = (locale: string, data: object) => {
    const { text } = letters.write("confirm_registration", {
      data: { ...samples.confirm_registration, ...data },
      locale,
      now,
    });
    return [
      ...(/(?:code|Code)(?: is valid for| gilt) (.+?)\..*(?:link|Link)(?: is valid for| gilt) (.+?) (?:and|und)/s.exec(
        text,
      ) ?? []),
    ].slice(1);
  };
  assert.deepEqual(said("en", { expiresAt: now + 600, linkExpiresAt: now + 86_400 }), [
    "10 minutes",
    "24 hours",
  ]);
  assert.deepEqual(said("en", { expiresAt: now + 571, linkExpiresAt: now + 86_371 }), [
    "10 minutes",
    "24 hours",
  ]);
  assert.deepEqual(said("en", { expiresAt: now + 569, linkExpiresAt: now + 86_369 }), [
    "9 minutes",
    "23 hours",
  ]);
  assert.deepEqual(said("de", { expiresAt: now + 60, linkExpiresAt: now + 3600 }), [
    "1 Minute",
    "60 Minuten",
  ]);
  assert.deepEqual(said("de", { expiresAt: now - 60, linkExpiresAt: now + 172_800 }), [
    "1 Minute",
    "2 Tage",
  ]);
});

test("a moment is written as in the reader's language, in UTC, and says so", () => {
  const written = (locale: string) =>
    letters.write("password_changed", { data: { at: now }, locale, now }).text;
  assert.match(written("en"), /^On January 15, 2027 at 8:00 AM UTC, /);
  assert.match(written("en-GB"), /^On 15 January 2027 at 08:00 UTC, /);
  assert.match(written("de"), /^Am 15\. Januar 2027 um 08:00 UTC /);
  assert.match(written("de-AT"), /^Am 15\. Jänner 2027 um 08:00 UTC /);
});

for (const [locale, fallbackLocale, language] of [
  ["de", "en", "de"],
  ["de-AT", "en", "de"],
  ["DE-latn-ch", "en", "de"],
  ["fr", "en", "en"],
  ["fr", "de-CH", "de"],
  [null, "de", "de"],
  ["en-GB", "de", "en"],
  ["den", "en", "en"],
  ["no language", "de", "de"],
  ["", "de", "de"],
] as const) {
  test(`a user of ${JSON.stringify(locale)} at an operator of ${fallbackLocale} gets mail in ${language}`, () => {
    const { html } = createLetters({ serviceName: "Acme", publicUrl, fallbackLocale }).write(
      "test",
      { data: {}, locale, now },
    );
    assert.ok(html.includes(`<html lang="${language}">`));
  });
}

test("an operator's language without a letter is refused", () => {
  assert.throws(
    () => createLetters({ serviceName: "Acme", publicUrl, fallbackLocale: "fr-CA" }),
    (error) =>
      error instanceof RangeError && /no templates in fr-CA: .* de, en/.test(error.message),
  );
});

test("RG-13 a letter links to the configured address and to nothing else, and loads nothing", () => {
  const urls = all.flatMap(
    ({ letter }) => `${letter.text}${letter.html}`.match(/[a-z]+:\/\/[^\s"<]+/g) ?? [],
  );
  assert.ok(urls.length > 20);
  for (const url of urls)
    assert.ok(url === `${publicUrl}.` || url === publicUrl || url.startsWith(`${publicUrl}/`), url);
  for (const { letter } of all)
    assert.doesNotMatch(
      letter.html,
      /<(img|script|link|iframe|object|form|base)|url\(|src=|@import/i,
    );
});

const HOSTILE = `<img src=x onerror="alert('1')">&\r\nBcc: all@x.test\r\n\r\n    01234567\u202e\u2066\u200b\u2028\u0000\ud800 http://evil.example.com/ www.evil.test`;

test("IN-12 the name of the service stays text in the HTML and one line everywhere", () => {
  const hostile = createLetters({ serviceName: HOSTILE, publicUrl, fallbackLocale: "en" });
  for (const name of letters.names) {
    for (const locale of letters.locales) {
      const letter = hostile.write(name, { data: samples[name], locale, now });
      assert.doesNotMatch(letter.subject, /[\p{Cc}\u2028\u2029]/u);
      assert.doesNotMatch(letter.html, /<img|\r|\0/);
      assert.ok(
        letter.html.includes("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp; Bcc"),
      );
      assert.equal(letter.text.match(/^ *\d{8}$/gm)?.length ?? 0, "code" in samples[name] ? 1 : 0);
      assert.doesNotMatch(letter.text, /\r|^Bcc/m);
    }
  }
});

test("IN-12 RG-13 what a client calls itself is one line of text, cut, seen as it is, and no link", () => {
  for (const name of [
    "new_device",
    "refresh_reused",
    "second_factor_failed",
    "second_factor_code",
  ] as const) {
    for (const locale of letters.locales) {
      const data = { ...samples[name], address: HOSTILE, userAgent: HOSTILE + "x".repeat(10_000) };
      const letter = letters.write(name, { data, locale, now });
      const line = letter.text.split("\n").find((one) => /^ {4}(Device|Gerät): /.test(one)) ?? "";
      assert.match(line, /: <img src=x onerror="alert\('1'\)">& Bcc: all@x\. test {5}01234567 ./);
      assert.ok(line.endsWith("…"));
      assert.equal([...line.replace(/^ {4}\w+: /u, "").replace(/^ {4}Gerät: /, "")].length, 120);
      assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Cs}\u2028]/u);
      assert.ok(
        letter.html.includes("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp; Bcc"),
      );
      assert.doesNotMatch(letter.html, /<img|<a |[\u202e\u2066\u200b]/);
      assert.doesNotMatch(letter.text, /:\/\/\S|evil\.\S|www\.\S/m);
      assert.equal(letter.text.match(/^ *\d{8}$/gm)?.length ?? 0, "code" in data ? 1 : 0);
    }
  }
});

test("a client that does not say what it is has no line for it", () => {
  const { text, html } = letters.write("new_device", {
    data: { ...samples.new_device, userAgent: "" },
    locale: "en",
    now,
  });
  assert.doesNotMatch(text + html, /Device/);
  assert.match(text, /IP address: 192\.0\.2\.17\n\n/);
});

test("a factor goes by the word people have for it, or by its name", () => {
  const added = (factor: string, locale: string) =>
    letters.write("factor_added", { data: { at: now, factor }, locale, now }).text;
  assert.match(added("totp", "en"), /: authenticator app\.$/m);
  assert.match(added("totp", "de"), /: Authenticator-App\.$/m);
  assert.match(added("constructor", "de"), /: constructor\.$/m);
});

test("a letter is not written from data of another shape, or by a template nobody knows", () => {
  const asked = { locale: null, now };
  assert.throws(() =>
    letters.write("confirm_registration", {
      ...asked,
      data: { ...samples.confirm_registration, code: "<b>" },
    }),
  );
  assert.throws(() =>
    letters.write("confirm_registration", {
      ...asked,
      data: { ...samples.confirm_registration, token: "x y#z".repeat(9) },
    }),
  );
  assert.throws(() => letters.write("confirm_registration", { ...asked, data: {} }));
  assert.throws(() => letters.write("toString", { ...asked, data: {} }), RangeError);
});
