import assert from "node:assert/strict";
import { test } from "node:test";
import type { Templates } from "./template.ts";
import { createLetters } from "./templates.ts";

export const publicUrl = "https://accounts.example.com";

/** Returns what a reader sees and copies of the HTML. */
export const seen = (html: string): string =>
  html.replace(/^.*<body[^>]*>/s, "").replaceAll(/<[^>]+>/g, "");

export const HOSTILE = `<img src=x onerror="alert('1')">&\r\nBcc: all@x.test\r\n\r\n    01234567\u202e\u2066\u200b\u2028\u0000\ud800 http://evil.example.com/ www.evil.test`;

/** Tests what must be true of every letter, whether it is built in or brought by a face. */
export function testLetters(templates: Templates): void {
  const letters = createLetters({
    serviceName: "Acme",
    publicUrl,
    fallbackLocale: "en",
    templates,
  });
  const all = ["en", "de"].flatMap((locale) =>
    letters.names.map((name) => ({ locale, name, letter: letters.writeSample(name, locale) })),
  );

  test("every letter is written in English and in German", () => {
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

  test("RG-13 a letter links to the configured address and to nothing else, and loads nothing", () => {
    const urls = all.flatMap(
      ({ letter }) => `${letter.text}${letter.html}`.match(/[a-z]+:\/\/[^\s"<]+/g) ?? [],
    );
    assert.ok(urls.length > 20);
    for (const url of urls)
      assert.ok(
        url === `${publicUrl}.` || url === publicUrl || url.startsWith(`${publicUrl}/`),
        url,
      );
    for (const { letter } of all)
      assert.doesNotMatch(
        letter.html,
        /<(img|script|link|iframe|object|form|base)|url\(|src=|@import/i,
      );
  });

  test("IN-12 the name of the service stays text in the HTML and one line everywhere", () => {
    const hostile = createLetters({
      serviceName: HOSTILE,
      publicUrl,
      fallbackLocale: "en",
      templates,
    });
    for (const name of letters.names) {
      for (const locale of letters.locales) {
        const letter = hostile.writeSample(name, locale);
        assert.doesNotMatch(letter.subject, /[\p{Cc}\u2028\u2029]/u);
        assert.doesNotMatch(letter.html, /<img|\r|\0/);
        assert.ok(
          letter.html.includes("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp; Bcc"),
        );
        assert.equal(
          letter.text.match(/^ *\d{8}$/gm)?.length ?? 0,
          "code" in (templates[name]?.sample ?? {}) ? 1 : 0,
        );
        assert.doesNotMatch(letter.text, /\r|^Bcc/m);
      }
    }
  });
}
