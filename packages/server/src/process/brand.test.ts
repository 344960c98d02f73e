import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { brandOf } from "./brand.ts";
import { ConfigError, readConfig } from "./config.ts";

const folder = mkdtempSync(join(tmpdir(), "portcullis-brand-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, bytes: string): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

test("the account pages get the name, logo, colours, radius and links of the configuration", () => {
  const brand = brandOf(
    readConfig({
      PORTCULLIS_LOGO: file("logo.svg", "<svg/>"),
      PORTCULLIS_COLOR: "#123abc",
      PORTCULLIS_DARK_COLOR: "#ABCDEF",
      PORTCULLIS_RADIUS: "12",
      PORTCULLIS_LINKS: "Terms=https://example.com/terms?a=b, Help = mailto:help@example.com",
    }),
  );
  assert.deepEqual(brand, {
    logo: "data:image/svg+xml;base64,PHN2Zy8+",
    color: "#123abc",
    darkColor: "#ABCDEF",
    radius: "12px",
    links: [
      { name: "Terms", url: "https://example.com/terms?a=b" },
      { name: "Help", url: "mailto:help@example.com" },
    ],
  });
  assert.deepEqual(brandOf(readConfig({})), {
    logo: null,
    color: null,
    darkColor: null,
    radius: null,
    links: [],
  });
});

test("a setting of the account pages that cannot be used stops the start, with a sentence that names it", () => {
  for (const [name, value] of [
    ["PORTCULLIS_COLOR", "blue"],
    ["PORTCULLIS_COLOR", "#12345"],
    ["PORTCULLIS_COLOR", "#123456;}"],
    ["PORTCULLIS_DARK_COLOR", "rgb(0,0,0)"],
    ["PORTCULLIS_RADIUS", "33"],
    ["PORTCULLIS_LINKS", "https://example.com"],
    ["PORTCULLIS_LINKS", "Terms=javascript:alert(1)"],
    ["PORTCULLIS_LINKS", "Terms=http://example.com"],
    ["PORTCULLIS_RETURN_URLS", "javascript:alert(1)"],
    ["PORTCULLIS_RETURN_URLS", "http://app.example.com/"],
    ["PORTCULLIS_RETURN_URLS", "https://user@app.example.com/"],
    ["PORTCULLIS_RETURN_URLS", "https://app.example.com/?a=b"],
    ["PORTCULLIS_RETURN_URLS", "/signed-in"],
    ["PORTCULLIS_LOGO", file("logo.gif", "GIF89a")],
    ["PORTCULLIS_LOGO", join(folder, "missing.svg")],
    ["PORTCULLIS_LOGO", file("large.png", "x".repeat(40_000))],
  ] as const)
    assert.throws(
      () => brandOf(readConfig({ [name]: value })),
      (error) => error instanceof ConfigError && new RegExp(`^${name} .+\\.$`).test(error.message),
      `${name} ${value.slice(0, 60)}`,
    );
});
