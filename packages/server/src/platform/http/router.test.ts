import assert from "node:assert/strict";
import test from "node:test";
import { createRouter, type Place } from "./router.ts";

const found = (
  places: readonly Omit<Place<string>, "target">[],
  path: string,
): readonly unknown[] => {
  const match = createRouter(places.map((place) => ({ ...place, target: place.path })))(path);
  return match === undefined ? [] : [match.target, { ...match.params }];
};

test("a path without parameters comes before one with parameters, wherever it is declared", () => {
  const places = [{ path: "/v1/sessions/{id}" }, { path: "/v1/sessions/current" }];
  assert.deepEqual(found(places, "/v1/sessions/current"), ["/v1/sessions/current", {}]);
  assert.deepEqual(found(places, "/v1/sessions/7"), ["/v1/sessions/{id}", { id: "7" }]);
});

test("the first is found if two paths with parameters match", () => {
  const places = [{ path: "/a/{x}" }, { path: "/{y}/b" }];
  assert.deepEqual(found(places, "/a/b"), ["/a/{x}", { x: "b" }]);
  assert.deepEqual(found(places.toReversed(), "/a/b"), ["/{y}/b", { y: "a" }]);
});

test("a parameter is one segment that is not empty, unless the place states its form", () => {
  const places = [{ path: "/a/{id}/b/{name}" }, { path: "/c/{code}", where: { code: /x|y{2}/ } }];
  assert.deepEqual(found(places, "/a/1.5/b/__proto__"), [
    "/a/{id}/b/{name}",
    { id: "1.5", name: "__proto__" },
  ]);
  assert.deepEqual(found(places, "/c/yy"), ["/c/{code}", { code: "yy" }]);
  for (const path of ["/a//b/2", "/a/1/b/", "/a/1/b/2/", "/a/1/2/b/3", "/c/xyy", "/c/y", "/c/"])
    assert.deepEqual(found(places, path), [], path);
});

test("IN-15: a path has one spelling, letter by letter and slash by slash", () => {
  const places = [{ path: "/a.b+c/{id}" }, { path: "/d" }];
  assert.deepEqual(found(places, "/a.b+c/7"), ["/a.b+c/{id}", { id: "7" }]);
  for (const path of ["/axb+c/7", "/a.bbc/7", "/a.b+c/%37", "/A.b+c/7", "//a.b+c/7"])
    assert.deepEqual(found(places, path), [], path);
  for (const path of ["/d/", "/D", "//d", "/%64", "d", ""])
    assert.deepEqual(found(places, path), [], path);
});

test("two places cannot have the same path", () => {
  for (const path of ["/a", "/a/{id}"])
    assert.throws(
      () => createRouter([path, path].map((each) => ({ path: each, target: 0 }))),
      /is served twice/,
    );
});
