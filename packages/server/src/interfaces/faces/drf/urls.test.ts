import assert from "node:assert/strict";
import test from "node:test";
import { urls } from "./urls.ts";
import { nobody, allowAny, view, type Place, type View } from "./view.ts";

const at = (path: Place["path"], more: Partial<Place> = {}): View =>
  view({
    name: path,
    path,
    ...more,
    title: "",
    authenticator: nobody("x"),
    permission: allowAny,
    methods: {},
  });
const found = (views: readonly View[], path: string): readonly unknown[] => {
  const { page, params } = urls(views).find(path);
  return [page.name, { ...params }];
};

test("a path without parameters comes before one with them, in any order of declaration", () => {
  const views = [at("/users/{id}/"), at("/users/me/")];
  assert.deepEqual(found(views, "/users/me/"), ["/users/me/", {}]);
  assert.deepEqual(found(views, "/users/7/"), ["/users/{id}/", { id: "7" }]);
});

test("a parameter is one segment without a full stop, unless the view defines its form", () => {
  const views = [at("/a/{id}/"), at("/b/{code}/", { where: { code: /[a-z2-9]{7,8}|x/ } })];
  for (const path of ["/a//", "/a/b/c/", "/a/1.5/", "/b/short/", "/b/abcdefghi/", "/b/xabcdefg/x/"])
    assert.deepEqual(found(views, path), ["none", {}], path);
  assert.deepEqual(found(views, "/b/abcdefg/"), ["/b/{code}/", { code: "abcdefg" }]);
  assert.deepEqual(found(views, "/b/x/"), ["/b/{code}/", { code: "x" }]);
});

test("only paths of a router take a suffix, and its root takes it after the slash", () => {
  const views = [
    at("/auth/", { mount: "/auth/" }),
    at("/auth/users/{id}/", { mount: "/auth/" }),
    at("/auth/jwt/"),
  ];
  assert.deepEqual(found(views, "/auth/.json"), ["/auth/", { format: "json" }]);
  assert.deepEqual(found(views, "/auth/users/7.json"), [
    "/auth/users/{id}/",
    { id: "7", format: "json" },
  ]);
  for (const path of ["/auth.json", "/auth/jwt.json", "/auth/users/7.JSON", "/auth/users/7."])
    assert.deepEqual(found(views, path), ["none", {}], path);
});

test("a full stop in a path matches a full stop only", () => {
  assert.deepEqual(found([at("/a.b/{id}/")], "/axb/1/"), ["none", {}]);
});

test("two views cannot have the same path", () => {
  assert.throws(() => urls([at("/a/", { optionalSlash: true }), at("/a")]), /\/a is served twice/);
});

test("a redirect leads to the same server, and its header holds ASCII only", async () => {
  const { page } = urls([at("/a/")]).find("/a");
  const visited = await page.visit({
    request: new Request("https://id.example/a"),
    target: "/a?q=\u00c3\u00a9 \u0001",
    header: () => undefined,
    params: {},
    client: { address: "192.0.2.1", userAgent: "" },
    requestId: "r",
  });
  assert(visited.kind === "page");
  assert.equal(visited.headers["location"], "/a/?q=%C3%A9%20%01");
});
