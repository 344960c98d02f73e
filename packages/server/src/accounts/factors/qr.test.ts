import assert from "node:assert/strict";
import { test } from "node:test";
import jsqr from "jsqr";
import { PNG } from "pngjs";
import { qrOf } from "./qr.ts";
import { TOTP, uriOf } from "./totp.ts";

const secret = Buffer.from("12345678901234567890");
const uris = [
  uriOf({ secret, issuer: "Acme", label: "anna@example.com", ...TOTP }),
  uriOf({ secret, issuer: "Bücher & Söhne", label: "Zoë Ångström", ...TOTP }),
  uriOf({
    secret,
    issuer: "x".repeat(64),
    label: `${"a".repeat(64)}@${"b".repeat(186)}.com`,
    ...TOTP,
  }),
];

function pictureOf(png: string): PNG {
  const prefix = "data:image/png;base64,";
  assert.ok(png.startsWith(prefix));
  return PNG.sync.read(Buffer.from(png.slice(prefix.length), "base64"));
}

function svgModules(svg: string): readonly string[] {
  const size = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)?.[1]);
  const dark = new Set([...svg.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => `${x} ${y}`));
  return Array.from({ length: size }, (_, y) =>
    Array.from({ length: size }, (_x, x) => (dark.has(`${x} ${y}`) ? "#" : " ")).join(""),
  );
}

/** Reads the modules, and checks that every pixel of a module has its colour. */
function pngModules({ width, height, data }: PNG, size: number): readonly string[] {
  assert.deepEqual([width, height, width % size], [height, width, 0]);
  const scale = width / size;
  return Array.from({ length: size }, (_, y) =>
    Array.from({ length: size }, (_x, x) => {
      const colours = new Set<string>();
      for (let py = y * scale; py < (y + 1) * scale; py += 1)
        for (let px = x * scale; px < (x + 1) * scale; px += 1)
          colours.add(
            data.subarray((py * width + px) * 4, (py * width + px) * 4 + 4).toString("hex"),
          );
      const [colour] = colours;
      assert.equal(colours.size, 1);
      return colour === "000000ff" ? "#" : colour === "ffffffff" ? " " : assert.fail(colour);
    }).join(""),
  );
}

for (const uri of uris) {
  test(`a QR code of ${uri.length} characters reads as exactly the URI, and is the same as SVG and as PNG`, () => {
    const { svg, png } = qrOf(uri);
    const picture = pictureOf(png);
    const read = jsqr.default(new Uint8ClampedArray(picture.data), picture.width, picture.height);
    assert.equal(read?.data, uri);
    const modules = svgModules(svg);
    assert.deepEqual(pngModules(picture, modules.length), modules);
  });
}

test("four light modules are around it, on a dark page too", () => {
  const { svg } = qrOf("otpauth://totp/a?secret=JBSWY3DPEHPK3PXP");
  const modules = svgModules(svg);
  const inner = modules.slice(4, -4);
  for (const row of [...modules.slice(0, 4), ...modules.slice(-4)]) assert.equal(row.trim(), "");
  for (const row of inner) assert.match(row, /^ {4}.* {4}$/);
  assert.ok(inner[0]?.startsWith("    #######"));
  assert.ok(svg.includes(`<path fill="#fff" d="M0 0h${modules.length}v${modules.length}H0z"/>`));
});
