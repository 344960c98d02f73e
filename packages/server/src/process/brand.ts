import { readFileSync } from "node:fs";
import { extname } from "node:path";
import type { Brand } from "../interfaces/pages/account-pages.ts";
import { ConfigError, type Config } from "./config.ts";

const MOST_BYTES = 32_768;

const types: Readonly<Record<string, string>> = {
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webp": "image/webp",
};

/**
 * Reads how the operator wants the account pages to look. The logo becomes a part of each page, so
 * that it needs no request.
 *
 * @throws {ConfigError} if the file of the logo cannot be used
 */
export function brandOf({ logo, color, darkColor, radius, links }: Config): Brand {
  return {
    logo: logo === undefined ? null : readLogo(logo),
    color: color ?? null,
    darkColor: darkColor ?? null,
    radius: radius === undefined ? null : `${radius}px`,
    links,
  };
}

function readLogo(path: string): string {
  const type = types[extname(path).toLowerCase()];
  if (type === undefined)
    throw new ConfigError("PORTCULLIS_LOGO must be a file whose name ends in .svg, .png or .webp.");
  const bytes = read(path);
  if (bytes.length > MOST_BYTES)
    throw new ConfigError(`PORTCULLIS_LOGO has more than ${MOST_BYTES} bytes: make it smaller.`);
  return `data:${type};base64,${bytes.toString("base64")}`;
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new ConfigError(`PORTCULLIS_LOGO cannot be read: there is no file ${path} for us.`, {
      cause,
    });
  }
}
