import assert from "node:assert/strict";
import test from "node:test";
import { hostileFields } from "../../../../test/hostile-patterns.ts";
import { email, optional, partial, serializer, text, username, type Field } from "./fields.ts";
import { Numeral } from "./python.ts";
import { isEmail } from "./validators.ts";

/* The expected values are the answers of Django REST framework 3.14 on Django 3.2. */

const read = async (field: Field<unknown>, raw: unknown, isForm = false): Promise<unknown> => {
  const outcome = await field.read(raw, isForm);
  return outcome.kind === "valid" ? { value: outcome.value } : outcome.words;
};

test("text is stripped of the characters that Python counts as space", async () => {
  assert.deepEqual(await read(text(), "\t\u001c a b \u0085\u2003"), { value: "a b" });
  assert.deepEqual(await read(text(), "\uFEFFa"), { value: "\uFEFFa" });
  assert.deepEqual(await read(text(), " \u001f "), ["This field may not be blank."]);
  assert.deepEqual(await read(text({ allowBlank: true }), "  "), { value: "" });
});

test("numbers are read as text digit for digit; booleans, lists and objects are refused", async () => {
  for (const [source, shown] of [
    ["12", "12"],
    ["-0", "0"],
    ["123456789012345678901", "123456789012345678901"],
    ["1.0", "1.0"],
    ["1.50", "1.5"],
    ["-0.0", "-0.0"],
    ["1E5", "100000.0"],
    ["1e15", "1000000000000000.0"],
    ["1e16", "1e+16"],
    ["0.0001", "0.0001"],
    ["1.5e-5", "1.5e-05"],
    ["1e400", "inf"],
    ["-1e400", "-inf"],
  ] as const)
    assert.deepEqual(await read(text(), new Numeral(source)), { value: shown });
  for (const raw of [true, false, [], ["a"], {}]) {
    assert.deepEqual(await read(text(), raw), ["Not a valid string."]);
    assert.deepEqual(await read(email(), raw), ["Enter a valid email address."]);
  }
});

test("NUL and halves of a surrogate pair are refused, and all complaints are made in Django's order", async () => {
  assert.deepEqual(await read(text(), "a\0"), ["Null characters are not allowed."]);
  assert.deepEqual(await read(text(), "a\uD800b"), [
    "Surrogate characters are not allowed: U+D800.",
  ]);
  assert.deepEqual(await read(text({ maxLength: 2 }), "\uD83D\uDE00\uD83D\uDE00"), {
    value: "😀😀",
  });
  assert.deepEqual(await read(text({ maxLength: 2, minLength: 2 }), "a"), [
    "Ensure this field has at least 2 characters.",
  ]);
  assert.deepEqual(await read(email({ maxLength: 4 }), "ab\0cd"), [
    "Ensure this field has no more than 4 characters.",
    "Null characters are not allowed.",
    "Enter a valid email address.",
  ]);
});

test("register-username: a username has letters and digits of any script, five signs, at most 150 characters", async () => {
  const words =
    "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.";
  for (const name of ["a b", "a/b", "a#b", "a'b", "a😀", "a\u0301"])
    assert.deepEqual(await read(username(), name), [words], name);
  for (const name of [
    "a.b+c-d_e@f",
    "Żelazny人",
    "20240101",
    "ﬁlip",
    "²",
    "Ⅷ",
    "٣",
    "n".repeat(150),
  ])
    assert.deepEqual(await read(username(), name), { value: name });
  const tooLong = "Ensure this field has no more than 150 characters.";
  assert.deepEqual(await read(username(), "n".repeat(151)), [tooLong]);
  assert.deepEqual(await read(username(), `${"n".repeat(150)} n`), [words, tooLong]);
});

test("a model's validator runs between the checks of form and length, and `check` runs only if nothing else is wrong", async () => {
  const asked: string[] = [];
  const field = username({
    maxLength: 3,
    validators: [async () => ["A user with that username already exists."]],
    check: (value) => {
      asked.push(value);
      return [];
    },
  });
  const [form, taken, length] = [await read(field, "a b c")].flat();
  assert.match(String(form), /^Enter a valid username/);
  assert.equal(taken, "A user with that username already exists.");
  assert.match(String(length), /^Ensure this field/);
  assert.deepEqual(asked, []);
  assert.deepEqual(await read(text({ check: () => ["Invalid password."] }), "x"), [
    "Invalid password.",
  ]);
});

test("register-email: addresses are accepted and refused as in Django", () => {
  const good = [
    "a+b@example.com",
    "a@localhost",
    "a@[127.0.0.1]",
    "a@[::1]",
    "a@exämple.com",
    "a@例え.jp",
    "o'neil!#$%&*/=?^_`{|}~-@example.com",
    '"a(b"@b.org',
    '"a@b"@c.org',
    `a@${"b".repeat(63)}.org`,
    "a@127.0.0.10",
  ];
  const bad = [
    "plain",
    "plain@",
    "@example.com",
    "a@b",
    "a b@example.com",
    "a@b@example.com",
    "a.@example.com",
    ".a@example.com",
    "a..b@example.com",
    "über@example.com",
    "a@-example.com",
    "a@example-.com",
    "a@example.c",
    "a@127.0.0.1",
    "a,b@example.com",
    "a\nb@example.com",
    "a@example.com\n",
    "a@LOCALHOST",
    "a@[1]",
    "a@[]",
    "a@[127.0.0.01]",
    "a@%41.org",
    "a@é%41.org",
    "a@b_c.org",
    "a@b.org.",
    `a@${"b".repeat(64)}.org`,
    `${"x".repeat(320)}@b.org`,
  ];
  for (const address of good) assert.equal(isEmail(address), true, address);
  for (const address of bad) assert.equal(isEmail(address), false, address);
});

test("letters that only look like ASCII are refused in an address, but Django's pattern takes the Kelvin sign for a K", () => {
  assert.equal(isEmail("\u212A@b.org"), false);
});

test("hostile text gets complaints and nothing else", async () => {
  for (const value of hostileFields)
    for (const field of [text({ maxLength: 5 }), email(), username()])
      assert.ok(Array.isArray(await read(field, value)), value.slice(0, 20));
});

test("an optional field may not be null, and in a form an empty one counts as missing", async () => {
  assert.deepEqual(await read(optional(text()), undefined), { value: undefined });
  assert.deepEqual(await read(optional(text()), null), ["This field may not be null."]);
  assert.deepEqual(await read(optional(text()), ""), ["This field may not be blank."]);
  assert.deepEqual(await read(optional(text()), "", true), { value: undefined });
  assert.deepEqual(await read(optional(text()), " ", true), ["This field may not be blank."]);
  assert.deepEqual(await read(optional(text({ allowBlank: true })), "", true), { value: "" });
});

test("complaints come in the order of the fields, and a member named like one of a prototype is no field", async () => {
  const members = new Map<string, unknown>([
    ["__proto__", "x"],
    ["b", null],
  ]);
  const body = serializer({ c: text(), b: text(), toString: text() });
  const outcome = await body.read({ kind: "members", members, isForm: false });
  assert(outcome.kind === "invalid");
  assert.deepEqual(Object.keys(outcome.errors), ["c", "b", "toString"]);
  const some = await partial({ c: text(), toString: text() }).read({
    kind: "members",
    members,
    isForm: false,
  });
  assert.deepEqual(some, { kind: "valid", input: {} });
});
