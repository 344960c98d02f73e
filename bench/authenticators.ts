import {
  createHash,
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from "node:crypto";

/** Computes the code of a moment: six digits, steps of 30 seconds, SHA-1 (RFC 6238). */
export function totpCode(secret: Uint8Array, milliseconds: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(milliseconds / 30_000)));
  const mac = createHmac("sha1", secret).update(counter).digest();
  const number = mac.readUInt32BE((mac.at(-1) ?? 0) & 0xf) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/** The ids that an authenticator keeps, in base64url. */
export interface Passkey {
  readonly credentialId: string;
  readonly userHandle: string;
}

export interface PasskeyKeys {
  /** The private key in PKCS #8. */
  readonly privatePem: string;
  /** The public key in COSE form (RFC 9053 §7.1). */
  readonly publicCose: Buffer;
}

/** Makes a key pair for ES256. */
export function newPasskeyKeys(): PasskeyKeys {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
  const publicCose = Buffer.concat([
    Buffer.from("a5010203262001215820", "hex"),
    Buffer.from(x, "base64url"),
    Buffer.from("225820", "hex"),
    Buffer.from(y, "base64url"),
  ]);
  return { privatePem: privateKey.export({ format: "pem", type: "pkcs8" }).toString(), publicCose };
}

export interface Asked {
  readonly challenge: string;
  readonly rpId: string;
  readonly origin: string;
}

const USER_PRESENT_AND_VERIFIED = 0b101;

/**
 * Makes assertions as a browser would, from an authenticator that verifies its user and keeps no
 * counter.
 */
export function authenticator(privatePem: string): (passkey: Passkey, asked: Asked) => object {
  const key = createPrivateKey(privatePem);
  return (passkey, asked) => assertionOf(key, passkey, asked);
}

function assertionOf(
  key: KeyObject,
  { credentialId: id, userHandle }: Passkey,
  { challenge, rpId, origin }: Asked,
): object {
  const clientData = Buffer.from(
    JSON.stringify({ type: "webauthn.get", challenge, origin, crossOrigin: false }),
  );
  const authenticatorData = Buffer.concat([
    sha256(Buffer.from(rpId)),
    Buffer.of(USER_PRESENT_AND_VERIFIED, 0, 0, 0, 0),
  ]);
  const signature = sign("sha256", Buffer.concat([authenticatorData, sha256(clientData)]), key);
  const response = {
    clientDataJSON: clientData.toString("base64url"),
    authenticatorData: authenticatorData.toString("base64url"),
    signature: signature.toString("base64url"),
    userHandle,
  };
  return { id, rawId: id, type: "public-key", clientExtensionResults: {}, response };
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
