import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The account pages as the step that builds them has left them. */
export interface BuiltPages {
  /** The path of the script that shows every page, below the folder of the pages. */
  readonly script: string;
  readonly styles: readonly string[];
  /** The files by their names, which have a hash of their content. */
  readonly assets: ReadonlyMap<string, Asset>;
}

export interface Asset {
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly gzip?: Uint8Array<ArrayBuffer>;
}

const types: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/** Reads the built pages. Returns `undefined` if they have not been built. */
export function readBuiltPages(folder: URL = productFolder()): BuiltPages | undefined {
  const product = new URL("product.json", folder);
  if (!existsSync(product)) return undefined;
  const { script, styles }: BuiltPages = JSON.parse(readFileSync(product, "utf8"));
  const place = new URL("assets/", folder);
  const names = readdirSync(fileURLToPath(place));
  const assets = names.flatMap((name): (readonly [string, Asset])[] => {
    const type = types[name.slice(name.lastIndexOf(".") + 1)];
    if (type === undefined) return [];
    const body = new Uint8Array(readFileSync(new URL(name, place)));
    const packed = `${name}.gz`;
    const gzip = names.includes(packed) && new Uint8Array(readFileSync(new URL(packed, place)));
    return [[name, { type, body, ...(gzip !== false && { gzip }) }]];
  });
  return { script, styles, assets: new Map(assets) };
}

function productFolder(): URL {
  return new URL("dist/", import.meta.resolve("@portcullis/pages/package.json"));
}
