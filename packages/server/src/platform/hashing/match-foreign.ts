import { verify } from "@node-rs/argon2";
import { createHash, pbkdf2, scrypt, timingSafeEqual, type ScryptOptions } from "node:crypto";
import { once } from "node:events";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import type { BcryptQuestion } from "./bcrypt.ts";
import type { BcryptHash, ForeignHash, Pbkdf2Hash, ScryptHash } from "./foreign.ts";

const derivePbkdf2 = promisify(pbkdf2);
const deriveScrypt = promisify<string, string, number, ScryptOptions, Buffer>(scrypt);

/**
 * Compares a password as it was typed, because the other system has hashed it so. A password with a
 * NUL never matches, because several of these algorithms make no difference between it and the one
 * without: HMAC fills a key up with NULs, and bcrypt reads the password in a circle, with a NUL at
 * its end.
 */
export async function matchesForeign(hash: ForeignHash, password: string): Promise<boolean> {
  return (await evaluate(hash, password)) && !password.includes("\0");
}

async function evaluate(hash: ForeignHash, password: string): Promise<boolean> {
  switch (hash.scheme) {
    case "pbkdf2":
      return timingSafeEqual(await pbkdf2Of(hash, password), hash.output);
    case "scrypt":
      return timingSafeEqual(await scryptOf(hash, password), hash.output);
    case "digest":
      return timingSafeEqual(digestOf(hash.digest, hash.salt + password), hash.output);
    case "argon2":
      return verify(hash.phc, password);
    case "bcrypt":
      return matchesBcrypt(hash, password);
    case "unusable":
      return false;
  }
}

async function pbkdf2Of(
  { salt, iterations, digest, output }: Pbkdf2Hash,
  password: string,
): Promise<Buffer> {
  return derivePbkdf2(password, salt, iterations, output.length, digest);
}

async function scryptOf(
  { salt, cost, blockSize, parallelism, output }: ScryptHash,
  password: string,
): Promise<Buffer> {
  // The reader of the hash has limited the memory. Node.js alone would stop at 32 MiB.
  return deriveScrypt(password, salt, output.length, {
    cost,
    blockSize,
    parallelization: parallelism,
    maxmem: Number.MAX_SAFE_INTEGER,
  });
}

/**
 * If the hash is not prehashed, the first 72 bytes of the password are enough, as in the system
 * that the hash is from. That ends with the upgrade of the hash.
 */
async function matchesBcrypt({ crypt, prehashed }: BcryptHash, password: string): Promise<boolean> {
  return askThread({
    crypt,
    password: prehashed ? digestOf("sha256", password).toString("hex") : password,
  });
}

const idle: Worker[] = [];

/**
 * This bcrypt is JavaScript and would hold up all other answers, so it runs in threads. As many
 * threads are kept as were ever needed at once.
 */
async function askThread(question: BcryptQuestion): Promise<boolean> {
  const thread = idle.pop() ?? new Worker(new URL("./bcrypt.ts", import.meta.url));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  thread.postMessage(question);
  const [matched] = await once(thread, "message");
  idle.push(thread);
  return matched === true;
}

function digestOf(digest: "sha256" | "sha1" | "md5", text: string): Buffer {
  return createHash(digest).update(text).digest();
}
