import react from "@vitejs/plugin-react";
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { home, PRODUCT, sourceHash, type Product } from "./product.ts";

/** A file has a better form for the wire only if that saves something. */
const COMPRESSIBLE = /\.(?:js|css|svg)$/;

/**
 * Builds the pages into `dist`. They are built in a folder beside it that takes its place at the
 * end, so a server that starts at the same time reads either the old pages or the new ones.
 */
export async function buildPages(): Promise<Product> {
  const source = sourceHash();
  const made = `${PRODUCT}.${process.pid}`;
  const result = await build({
    configFile: false,
    root: home,
    base: "./",
    logLevel: "error",
    plugins: [react()],
    build: {
      outDir: made,
      emptyOutDir: true,
      target: "es2022",
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      manifest: true,
      license: { fileName: "licenses.md" },
      rolldownOptions: { input: { account: join(home, "src/main.tsx") } },
    },
  });
  if (!Array.isArray(result) && !("output" in result)) throw new Error("Vite has built nothing.");
  const folder = join(home, made);
  const manifest: Record<string, { file: string; css?: string[]; isEntry?: boolean }> = JSON.parse(
    readFileSync(join(folder, ".vite/manifest.json"), "utf8"),
  );
  const entry = Object.values(manifest).find(({ isEntry }) => isEntry === true);
  if (entry === undefined) throw new Error("Vite has built no entry.");
  rmSync(join(folder, ".vite"), { recursive: true });
  for (const name of globSync("assets/*", { cwd: folder })) {
    if (!COMPRESSIBLE.test(name)) continue;
    writeFileSync(
      join(folder, `${name}.gz`),
      gzipSync(readFileSync(join(folder, name)), { level: 9 }),
    );
  }
  const product: Product = { source, script: entry.file, styles: entry.css ?? [] };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "product.json"), `${JSON.stringify(product, null, 2)}\n`);
  const place = join(home, PRODUCT);
  const old = `${place}.old.${process.pid}`;
  if (existsSync(place)) renameSync(place, old);
  renameSync(folder, place);
  rmSync(old, { recursive: true, force: true });
  return product;
}
