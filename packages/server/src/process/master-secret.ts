import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { ConfigError, secretFile, type Config } from "./config.ts";
import { keyring, type Keyring } from "../platform/kernel/keyring.ts";
import type { Random } from "../platform/kernel/random.ts";

const MINIMUM_BYTES = 32;
/**
 * A random text of 32 characters has far more distinct ones; `aaaa…`, `0123…0123` and
 * `changemechangeme` do not.
 */
const MINIMUM_DISTINCT = 12;

/**
 * Opens the keyring of the master secret: PORTCULLIS_SECRET or, with an embedded database, a file
 * of mode 0600 that is made at the first start.
 *
 * @throws {ConfigError} if the secret is missing, short or guessable (KY-01)
 */
export function openKeyring(config: Config, random: Random): Keyring {
  const previous = config.previousSecrets.map((secret) =>
    readSecret(secret.reveal(), "PORTCULLIS_PREVIOUS_SECRETS"),
  );
  const current =
    config.secret === undefined
      ? fromFile(config, random)
      : readSecret(config.secret.reveal(), "PORTCULLIS_SECRET");
  return keyring([current, ...previous], random);
}

function fromFile(config: Config, random: Random): Buffer {
  const file = secretFile(config);
  if (!existsSync(file)) {
    if (config.databaseUrl !== undefined)
      throw new ConfigError(
        "PORTCULLIS_SECRET must be set when PORTCULLIS_DATABASE_URL is: `openssl rand -base64 48` makes one.",
      );
    create(file, random);
  }
  return readSecret(readFileSync(file, "utf8"), file);
}

/**
 * Links the file into place, so that of two processes that start at once one secret wins and both
 * read it.
 */
function create(file: string, random: Random): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${random.bytes(6).toString("hex")}`;
  writeFileSync(temporary, `${random.bytes(48).toString("base64")}\n`, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  try {
    linkSync(temporary, file);
  } catch (error) {
    if (!existsSync(file)) throw error;
  } finally {
    rmSync(temporary);
  }
}

function readSecret(text: string, from: string): Buffer {
  const secret = text.trim();
  if (Buffer.byteLength(secret) < MINIMUM_BYTES || new Set(secret).size < MINIMUM_DISTINCT) {
    throw new ConfigError(
      `${from} must hold at least ${MINIMUM_BYTES} random characters: \`openssl rand -base64 48\` makes such a secret.`,
    );
  }
  return Buffer.from(secret);
}
