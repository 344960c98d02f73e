import { compareSync } from "bcryptjs";
import { parentPort } from "node:worker_threads";

export interface BcryptQuestion {
  readonly crypt: string;
  readonly password: string;
}

// This is the entry point of a thread of the hashing process.
parentPort?.on("message", ({ password, crypt }: BcryptQuestion) =>
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(compareSync(password, crypt)),
);
