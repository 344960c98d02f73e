import assert from "node:assert/strict";
import { test } from "node:test";
import { isListed } from "./return-url.ts";

const listed = ["https://app.example.com/signed-in", "http://localhost:5173/"];

test("CK-12 the account pages return to a listed address, with a query of its own, and to no other", () => {
  for (const wanted of [
    "https://app.example.com/signed-in",
    "https://app.example.com/signed-in?next=%2Finbox#top",
    "https://app.example.com:443/signed-in",
    "http://localhost:5173/?a=b",
  ])
    assert.ok(isListed(wanted, listed), wanted);
  for (const wanted of [
    "",
    "/signed-in",
    "//app.example.com/signed-in",
    "app.example.com/signed-in",
    "https://app.example.com",
    "https://app.example.com/",
    "https://app.example.com/signed-in/",
    "https://app.example.com/signed-in/evil",
    "https://app.example.com/signed-in%2f..",
    "https://app.example.com/signed-in/../evil",
    "https://app.example.com/SIGNED-IN",
    "http://app.example.com/signed-in",
    "https://app.example.com:8443/signed-in",
    "https://app.example.com.evil.example/signed-in",
    "https://evil.example/https://app.example.com/signed-in",
    "https://evil.example?https://app.example.com/signed-in",
    "https://evil.example#https://app.example.com/signed-in",
    "https://app.example.com@evil.example/signed-in",
    "https://app.example.com:x@evil.example/signed-in",
    "https://user@app.example.com/signed-in",
    "https://app.example.com\\\\@evil.example/signed-in",
    "https:\\\\evil.example\\signed-in",
    "https://evil.example\\.app.example.com/signed-in",
    "https://app.example\u3002com.evil.example/signed-in",
    "javascript:alert(1)//https://app.example.com/signed-in",
    "java\nscript:alert(1)",
    "data:text/html,https://app.example.com/signed-in",
    "blob:https://app.example.com/signed-in",
    "http://127.0.0.1:5173/",
    "http://localhost:5174/",
  ])
    assert.ok(!isListed(wanted, listed), wanted);
  assert.ok(!isListed("https://app.example.com/signed-in", []));
});
