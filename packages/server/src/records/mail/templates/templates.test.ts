import assert from "node:assert/strict";
import { test } from "node:test";
import { builtInTemplates as templates } from "./built-in.ts";
import { contents, sampleMoment as now } from "./contents.ts";
import { createLetters, joinTemplates } from "./templates.ts";
import { HOSTILE, publicUrl, seen, testLetters } from "./testing.ts";

testLetters(templates);

const letters = createLetters({ serviceName: "Acme", publicUrl, fallbackLocale: "en", templates });
const all = ["en", "de"].flatMap((locale) =>
  letters.names.map((name) => ({ name, letter: letters.writeSample(name, locale) })),
);

test("there is a letter for everything that is mailed", () => {
  assert.deepEqual(letters.names.toSorted(), Object.keys(contents).toSorted());
});

test("two letters of one name are refused", () => {
  assert.throws(() => joinTemplates(templates, { test: templates.test }), RangeError);
  assert.deepEqual(Object.keys(joinTemplates(templates, {})), Object.keys(templates));
});

test("a code stands on a line of its own, and is copied from the HTML in one piece", () => {
  const withCode = all.filter(({ letter }) =>
    letter.text.includes(contents.confirm_email.sample.code),
  );
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

test("the validity of a code and a link is counted from the sending, and half a minute on the way does not count", () => {
  const said = (locale: string, data: object) => {
    const { text } = letters.write("confirm_registration", {
      data: { ...contents.confirm_registration.sample, ...data },
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

test("a moment is written in the form of the reader's language, in UTC, and says so", () => {
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
    const { html } = createLetters({
      serviceName: "Acme",
      publicUrl,
      fallbackLocale,
      templates,
    }).write("test", { data: {}, locale, now });
    assert.ok(html.includes(`<html lang="${language}">`));
  });
}

test("an operator's language without a letter is refused", () => {
  assert.throws(
    () => createLetters({ serviceName: "Acme", publicUrl, fallbackLocale: "fr-CA", templates }),
    (error) =>
      error instanceof RangeError && /no templates in fr-CA: .* de, en/.test(error.message),
  );
});

test("IN-12 RG-13 the name that a client gives itself is one line of text, cut, shown as it is, and no link", () => {
  for (const name of [
    "new_device",
    "refresh_reused",
    "second_factor_failed",
    "second_factor_code",
  ] as const) {
    for (const locale of letters.locales) {
      const data = {
        ...contents[name].sample,
        address: HOSTILE,
        userAgent: HOSTILE + "x".repeat(10_000),
      };
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
    data: { ...contents.new_device.sample, userAgent: "" },
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

test("a letter is not written from data of another shape, or by an unknown template", () => {
  const asked = { locale: null, now };
  assert.throws(() =>
    letters.write("confirm_registration", {
      ...asked,
      data: { ...contents.confirm_registration.sample, code: "<b>" },
    }),
  );
  assert.throws(() =>
    letters.write("confirm_registration", {
      ...asked,
      data: { ...contents.confirm_registration.sample, token: "x y#z".repeat(9) },
    }),
  );
  assert.throws(() => letters.write("confirm_registration", { ...asked, data: {} }));
  assert.throws(() => letters.write("toString", { ...asked, data: {} }), RangeError);
});
