import type { Attestation } from "@portcullis/contract";
import { cbor, cose, type Cbor } from "./authenticator.ts";

/** Returns the authenticator data in a registration's attestation object. */
export function attestedDataOf({ response }: Attestation): Buffer {
  const object = Buffer.from(response.attestationObject, "base64url");
  const from = object.indexOf("authData") + "authData".length;
  return object.subarray(from + (object.readUInt8(from) === 0x58 ? 2 : 3));
}

export const attested = (
  authData: Uint8Array,
  fmt: Cbor = "none",
  statement: Cbor = new Map(),
): Uint8Array =>
  cbor(
    new Map<string, Cbor>([
      ["fmt", fmt],
      ["attStmt", statement],
      ["authData", authData],
    ]),
  );

/** The largest size that the interface lets through. */
const LARGEST = Math.floor((32_768 * 3) / 4);
const nested = (byte: number, end = 0x00): Buffer =>
  Buffer.concat([Buffer.alloc(LARGEST - 1, byte), Buffer.of(end)]);
const manyKeys = (count: number): Uint8Array =>
  cbor(new Map(Array.from({ length: count }, (_, index) => [index, index])));

/**
 * Makes attestation objects that cost a careless reader much time or memory (PK-07). `npm run
 * bench` measures them.
 *
 * @param authData from a registration with a key of ES256
 */
export function passkeyBombs(authData: Buffer): readonly Uint8Array[] {
  const before = authData.subarray(0, 87);
  return [
    nested(0x81),
    nested(0xa1),
    nested(0xd8),
    nested(0x9f),
    Buffer.concat([Buffer.from("9affffffff", "hex"), Buffer.alloc(LARGEST - 5)]),
    Buffer.concat([Buffer.from("bbffffffffffffffff", "hex"), Buffer.alloc(LARGEST - 9, 0x01)]),
    manyKeys(5000),
    attested(Buffer.concat([before, Buffer.alloc(20_000, 0x81)])),
    attested(Buffer.concat([before, manyKeys(4000)])),
    attested(
      Buffer.concat([
        before,
        cose([
          [1, 3],
          [3, -257],
          [-1, Buffer.alloc(20_000, 0xff)],
          [-2, Buffer.alloc(3, 1)],
        ]),
      ]),
    ),
    attested(
      Buffer.concat([
        before,
        cose([
          [1, 3],
          [3, -257],
          [-1, Buffer.alloc(256, 0xff)],
          [-2, Buffer.alloc(20_000, 1)],
        ]),
      ]),
    ),
    attested(
      authData,
      "packed",
      new Map([["x5c", Array.from({ length: 500 }, () => Buffer.alloc(30, 0x30))]]),
    ),
    attested(authData, nestedList(2000)),
  ];
}

function nestedList(depth: number): Cbor {
  let list: Cbor = 0;
  for (let level = 0; level < depth; level++) list = [list];
  return list;
}
