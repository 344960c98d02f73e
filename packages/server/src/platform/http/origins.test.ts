import assert from "node:assert/strict";
import { test } from "node:test";
import { isAllowable, originsOf } from "./origins.ts";

test("CK-08 entries are origins of pages and apps, and patterns with one star", () => {
  for (const entry of [
    "https://app.example.com",
    "https://app.example.com:8443",
    "http://localhost:5173",
    "http://[::1]:5173",
    "capacitor://localhost",
    "ionic://localhost",
    "tauri://localhost",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "moz-extension://6a3f1b6e-0c4e-4b7e-9f0e-5f0d3c9b2a1d",
    "https://*.preview.example.com",
    "https://*.preview.example.com:8443",
  ])
    assert.ok(isAllowable(entry), entry);
  for (const entry of [
    "",
    "*",
    "null",
    "app.example.com",
    "https://app.example.com/",
    "https://app.example.com:443",
    "https://APP.example.com",
    "https://user@app.example.com",
    "https://*",
    "https://*.com",
    "http://*.preview.example.com",
    "https://*.*.example.com",
    "https://preview-*.example.com",
    "https://app.*.example.com",
    "https://*.preview.example.com/",
    "file://",
    "file://localhost",
    "data://x",
    "blob://x",
    "javascript://x",
    "capacitor://",
    "capacitor://localhost/",
    "capacitor://local host",
  ])
    assert.ok(!isAllowable(entry), entry);
  assert.throws(
    () => originsOf({ allowedOrigins: ["*"], allowsLocalhost: false }),
    /"\*" is not an origin/,
  );
});

test("CK-08 a pattern fits one label and gives no right to cookies", () => {
  const { any, rightsOf } = originsOf({
    allowedOrigins: [
      "https://*.preview.example.com",
      "https://app.example.com",
      "tauri://localhost",
    ],
    allowsLocalhost: false,
  });
  assert.ok(any);
  assert.equal(rightsOf("https://app.example.com"), "cookies");
  assert.equal(rightsOf("tauri://localhost"), "cookies");
  for (const origin of ["https://pr-17.preview.example.com", "https://a.preview.example.com"])
    assert.equal(rightsOf(origin), "tokens", origin);
  for (const origin of [
    "https://preview.example.com",
    "https://.preview.example.com",
    "https://a.b.preview.example.com",
    "http://a.preview.example.com",
    "https://a.preview.example.com:8443",
    "https://apreview.example.com",
    "https://evil.example/.preview.example.com",
    "https://evil.example?.preview.example.com",
    "https://evil.example#.preview.example.com",
    "https://user@.preview.example.com",
    "https://user:x@a.preview.example.com",
    "https://-a.preview.example.com",
    "https://A.preview.example.com",
    "https://a_b.preview.example.com",
    "https://a.preview.example.com.evil.example",
    "https://a\n.preview.example.com",
    "https://*.preview.example.com",
    "null",
    "",
  ])
    assert.equal(rightsOf(origin), undefined, origin);
});

test("every port of localhost is allowed if the server is in development, and no other host", () => {
  const { any, rightsOf } = originsOf({ allowedOrigins: [], allowsLocalhost: true });
  assert.ok(any);
  for (const origin of ["http://localhost", "http://localhost:5173", "http://localhost:8420"])
    assert.equal(rightsOf(origin), "cookies", origin);
  for (const origin of [
    "https://localhost",
    "http://localhost.evil.example",
    "http://evil.example:5173",
    "http://127.0.0.1:5173",
    "http://localhost:",
    "http://localhost:123456",
    "http://localhost@evil.example",
  ])
    assert.equal(rightsOf(origin), undefined, origin);
  assert.equal(originsOf({ allowedOrigins: [], allowsLocalhost: false }).any, false);
});
