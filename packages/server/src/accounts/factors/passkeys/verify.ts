import type { Assertion, Attestation } from "@portcullis/contract";
import { verifyAuthenticationResponse, verifyRegistrationResponse } from "@simplewebauthn/server";
import {
  decodeAttestationObject,
  decodeClientDataJSON,
  isoBase64URL,
  isoCBOR,
} from "@simplewebauthn/server/helpers";
import { z } from "zod";
import { algorithms } from "./algorithms.ts";
import { isSoundKey } from "./cose-key.ts";
import type { Passkey } from "./passkeys.store.ts";

export interface RelyingParty {
  /** WebAuthn's RP ID. */
  readonly passkeyDomain: string;
  /**
   * The origins of the pages that may use passkeys, that of the public URL among them. They are
   * compared letter by letter.
   */
  readonly passkeyOrigins: readonly string[];
}

/** The statements that an authenticator makes about itself each time. */
export interface Said {
  readonly signCount: number;
  readonly kind: Passkey["kind"];
  readonly backedUp: boolean;
  /** Whether it has verified its user, by PIN or biometrics. */
  readonly verified: boolean;
}

export interface Registered extends Said {
  readonly credentialId: string;
  readonly publicKey: Uint8Array;
  readonly aaguid: string;
}

const LONGEST_CREDENTIAL_ID = 1023;

/**
 * Verifies a registration (WebAuthn Level 3 §7.1) for attestation `none`. A statement was not asked
 * for and is ignored, because checking one means reading certificates and asking the servers that
 * they name.
 *
 * @returns `undefined` if anything is wrong with it
 */
export async function verifyRegistration(
  rp: RelyingParty,
  challenge: string,
  credential: Attestation,
): Promise<Registered | undefined> {
  return unlessThrown(async () => {
    const { id, rawId, type, response } = credential;
    if (!isOfThisPage(response.clientDataJSON)) return undefined;
    const attestationObject = withoutStatement(response.attestationObject);
    const { verified, registrationInfo: info } = await verifyRegistrationResponse({
      response: {
        id,
        rawId,
        type,
        clientExtensionResults: {},
        response: { clientDataJSON: response.clientDataJSON, attestationObject },
      },
      expectedChallenge: challenge,
      expectedOrigin: [...rp.passkeyOrigins],
      expectedRPID: rp.passkeyDomain,
      requireUserVerification: false,
      supportedAlgorithmIDs: [...algorithms],
    });
    if (!verified || info.credential.id !== id || !isSoundKey(info.credential.publicKey))
      return undefined;
    if (Buffer.from(id, "base64url").length > LONGEST_CREDENTIAL_ID) return undefined;
    return {
      credentialId: id,
      publicKey: info.credential.publicKey,
      aaguid: info.aaguid,
      ...said(info, info.credential.counter),
    };
  });
}

/** The challenge and the key that an assertion must have signed with. */
interface Demanded {
  readonly challenge: string;
  readonly key: Pick<Passkey, "credentialId" | "publicKey">;
  /** Whether the authenticator must have verified its user, by a PIN or a fingerprint. */
  readonly mustVerify: boolean;
}

/**
 * Verifies an assertion (WebAuthn Level 3 §7.2). The caller judges its counter and its backup
 * flags, because only after this check is it known to come from the passkey.
 *
 * @returns `undefined` if anything is wrong with it
 */
export async function verifyAssertion(
  rp: RelyingParty,
  { challenge, key, mustVerify }: Demanded,
  credential: Assertion,
): Promise<Said | undefined> {
  return unlessThrown(async () => {
    const { id, rawId, type, response } = credential;
    const { clientDataJSON, authenticatorData, signature } = response;
    if (id !== key.credentialId || !isOfThisPage(clientDataJSON)) return undefined;
    const { verified, authenticationInfo: info } = await verifyAuthenticationResponse({
      response: {
        id,
        rawId,
        type,
        clientExtensionResults: {},
        response: { clientDataJSON, authenticatorData, signature },
      },
      expectedChallenge: challenge,
      expectedOrigin: [...rp.passkeyOrigins],
      expectedRPID: rp.passkeyDomain,
      requireUserVerification: mustVerify,
      // The library compares no counters if this is 0. Otherwise it would do so before it has
      // checked the signature.
      credential: { id, publicKey: new Uint8Array(key.publicKey), counter: 0 },
    });
    return verified ? said(info, info.newCounter) : undefined;
  });
}

const ofThisPage = z.looseObject({
  crossOrigin: z.literal(false).optional(),
  topOrigin: z.undefined().optional(),
});

/**
 * Refuses frames in the pages of others (PK-02). The library compares type, challenge and origin.
 */
function isOfThisPage(clientDataJSON: string): boolean {
  return ofThisPage.safeParse(decodeClientDataJSON(clientDataJSON)).success;
}

function withoutStatement(attestationObject: string): string {
  const authData = decodeAttestationObject(isoBase64URL.toBuffer(attestationObject)).get(
    "authData",
  );
  const bare = new Map<string, string | Uint8Array | Map<string, never>>([
    ["fmt", "none"],
    ["attStmt", new Map<string, never>()],
    ["authData", authData],
  ]);
  return Buffer.from(isoCBOR.encode(bare)).toString("base64url");
}

interface Flags {
  readonly credentialDeviceType: "singleDevice" | "multiDevice";
  readonly credentialBackedUp: boolean;
  readonly userVerified: boolean;
}

function said(
  { credentialDeviceType, credentialBackedUp, userVerified }: Flags,
  signCount: number,
): Said {
  const kind = credentialDeviceType === "multiDevice" ? "multi_device" : "single_device";
  return { signCount, kind, backedUp: credentialBackedUp, verified: userVerified };
}

/**
 * Returns `undefined` if the library throws, which it does for any bad input from a stranger. No
 * code of ours can fail in there.
 */
async function unlessThrown<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await read();
  } catch {
    return undefined;
  }
}
