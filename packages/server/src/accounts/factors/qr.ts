import { createRequire } from "node:module";
import type * as Pngjs from "pngjs";
import { encodeQR } from "qr";

const require = createRequire(import.meta.url);

/** The margin that is light on every page (ISO/IEC 18004 §6.3.8). */
const QUIET_MODULES = 4;
const PIXELS = 5;

export interface QrCode {
  /** A whole document, with one unit for each module. */
  readonly svg: string;
  /** The picture as a `data:` URL. */
  readonly png: string;
}

export function qrOf(text: string): QrCode {
  const modules = encodeQR(text, "raw", { ecc: "medium", border: QUIET_MODULES });
  return { svg: svgOf(modules), png: `data:image/png;base64,${pngOf(modules).toString("base64")}` };
}

type Modules = readonly (readonly boolean[])[];

function svgOf(modules: Modules): string {
  const size = modules.length;
  const dark = modules
    .flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : "")))
    .join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path d="${dark}"/></svg>`;
}

function pngOf(modules: Modules): Buffer {
  // The library is loaded with the first picture, because most processes draw none.
  const { PNG }: typeof Pngjs = require("pngjs");
  const width = modules.length * PIXELS;
  const png = new PNG({ width, height: width });
  for (let y = 0; y < width; y += 1) {
    const row = modules[Math.floor(y / PIXELS)];
    for (let x = 0; x < width; x += 1) {
      const light = row?.[Math.floor(x / PIXELS)] === true ? 0 : 255;
      png.data.fill(light, (y * width + x) * 4, (y * width + x) * 4 + 3);
      png.data[(y * width + x) * 4 + 3] = 255;
    }
  }
  return PNG.sync.write(png, { colorType: 0 });
}
