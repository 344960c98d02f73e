import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readOverrides } from "../../../../records/mail/templates/overrides.ts";
import { createLetters } from "../../../../records/mail/templates/templates.ts";
import { publicUrl, testLetters } from "../../../../records/mail/templates/testing.ts";
import { contents } from "./contents.ts";
import { djoserTemplates as templates } from "./templates.ts";

testLetters(templates);

const letters = createLetters({ serviceName: "Acme", publicUrl, fallbackLocale: "en", templates });

test("there is a letter for everything that Djoser mails", () => {
  const mailed = Object.keys(contents).map((name) => `djoser_${name}`);
  assert.deepEqual(letters.names.toSorted(), mailed.toSorted());
});

test("a letter with a link has it on a line of its own, and as a button and an address in the HTML", () => {
  for (const name of ["djoser_activation", "djoser_password_reset", "djoser_username_reset"]) {
    const { text, html } = letters.writeSample(name, "en");
    const { link } = contents.activation.sample;
    assert.ok(text.split("\n").includes(`    ${link}`), name);
    assert.equal(html.split(`href="${link}"`).length, 3, name);
    assert.match(text, /The link is valid for 3 days/, name);
  }
});

test("a username is quoted for a reader who may be a stranger, and shown as it is to the owner", () => {
  const username = "call.me at https://evil.example";
  const written = (isConfirmed: boolean) =>
    letters.write("djoser_confirmation", {
      data: { username, isConfirmed },
      locale: "en",
      now: 1_800_000_000,
    }).text;
  assert.match(written(false), /^ {4}Your username: call\. me at https:\/\/ evil\. example$/m);
  assert.match(written(true), /^ {4}Your username: call\.me at https:\/\/evil\.example$/m);
});

test("an operator's own words take the place of Djoser's letter, under the same file name", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "portcullis-djoser-letters-"));
  t.after(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, "fr"));
  const file = join(directory, "fr", "djoser_activation.txt");
  writeFileSync(file, "Subject: Bonjour\n\nBienvenue, {{username}} !\n");
  assert.throws(
    () => readOverrides(directory, templates),
    /^RangeError: fr\/djoser_activation\.txt must say \{\{link\}\}$/,
  );
  writeFileSync(file, "Subject: Bonjour\n\nBienvenue, {{username}} !\n\n{{link}}\n");
  const overrides = readOverrides(directory, templates);
  const own = createLetters({
    serviceName: "Acme",
    publicUrl,
    fallbackLocale: "en",
    templates,
    overrides,
  });
  const letter = own.writeSample("djoser_activation", "fr-CA");
  assert.equal(letter.subject, "Bonjour");
  assert.ok(letter.text.startsWith("Bienvenue, ada. lovelace !\n\nhttps://"), letter.text);
  assert.match(own.writeSample("djoser_confirmation", "fr").subject, /^Acme - Your account/);
});
