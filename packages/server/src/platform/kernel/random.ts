import { randomBytes, randomInt } from "node:crypto";

export interface Random {
  bytes(length: number): Buffer;
  /** Returns evenly distributed decimal digits, which may begin with zeros. */
  digits(length: number): string;
}

export const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  digits: (length) => Array.from({ length }, () => randomInt(10)).join(""),
};
