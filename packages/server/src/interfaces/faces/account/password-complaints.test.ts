import assert from "node:assert/strict";
import { test } from "node:test";
import { passwordWords } from "../drf/passwords.ts";
import { openBlockList } from "../../../accounts/users/block-list.ts";
import { complaintsAbout } from "./password-complaints.ts";

const deps = {
  passwordPolicy: { minimumLength: 8, blockList: await openBlockList() },
  serviceName: "Acme",
};
const person = { username: "vandermolen", email: "q.brinkhuysen@mail.example.com" };
const wordsAbout = (password: string, who: Parameters<typeof complaintsAbout>[2] = person) =>
  passwordWords(complaintsAbout(deps, password, who));

const SHORT = "This password is too short. It must contain at least 8 characters.";
const COMMON = "This password is too common.";
const NUMERIC = "This password is entirely numeric.";
const NAME = "The password is too similar to the username.";
const EMAIL = "The password is too similar to the email address.";

/** The answers of Django 3.2 with its four default validators for the same user. */
const django: Readonly<Record<string, readonly string[]>> = {
  nelomrednav: [NAME],
  Vandermolen9: [NAME],
  "vandermolen-en-zijn-hond": [],
  brinkhuysen: [EMAIL],
  "q.brinkhuysen@mail.example.com": [EMAIL],
  BRINKHUYSEN1: [EMAIL],
  huysenbrink: [EMAIL],
  "mail.example": [EMAIL],
  exampel1: [EMAIL],
  "12345": [SHORT, COMMON, NUMERIC],
  qwerty: [SHORT, COMMON],
  "73519562": [NUMERIC],
  "٣٤٥٦٧٨٩٠": [NUMERIC],
  vanderm: [NAME, SHORT],
  vandermo: [NAME],
  trustno1: [COMMON],
  "seven quiet herons": [],
  nrednavelom99x: [NAME],
};

test("complaints have the words and the order of Django's validators", () => {
  for (const [password, words] of Object.entries(django))
    assert.deepEqual(wordsAbout(password), words, password);
});

test("complaints that only our own policy makes have Django's form, too", () => {
  const cases: readonly (readonly [password: string, words: readonly string[]])[] = [
    ["acme-acme-2026", ["The password is too similar to the name of the service."]],
    ["v@nd3rm0len-v@nd3rm0len-2026-x", [NAME]],
    ["br1nkhuys3n...br1nkhuys3n...2026", [EMAIL]],
    ["abcabcabcabc", [COMMON]],
    ["x".repeat(7) + "\u0000", ["This password contains a character that is not allowed."]],
    ["long and quiet ".repeat(40), ["This password is too long."]],
  ];
  for (const [password, words] of cases) assert.deepEqual(wordsAbout(password), words, password);
});

test("a password of an unknown user can be similar to the service only", () => {
  assert.deepEqual(wordsAbout("vandermolen", null), []);
  assert.deepEqual(wordsAbout("acme-acme", null), [
    "The password is too similar to the name of the service.",
  ]);
});
