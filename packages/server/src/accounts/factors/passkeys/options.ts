import type { Begun, Prepared } from "@portcullis/contract";
import type { User } from "../../users/users.store.ts";
import type { Ceremony } from "./ceremonies.store.ts";
import { algorithms } from "./algorithms.ts";
import type { Passkey } from "./passkeys.store.ts";
import type { RelyingParty } from "./verify.ts";
import { CEREMONY_SECONDS } from "../../proofs/lifetimes.ts";

export interface OptionsDeps extends RelyingParty {
  readonly serviceName: string;
}

/** A ceremony that has been begun, with the options for the browser. */
export type Creation = Pick<
  Extract<Begun, { readonly factor: "passkey" }>,
  "ceremonyId" | "options" | "expiresAt"
>;
export type Request = Pick<
  Extract<Prepared, { readonly factor: "passkey" }>,
  "ceremonyId" | "options" | "expiresAt"
>;

/**
 * Returns the 16 bytes of the user's id. An authenticator keeps them with a passkey and shows them
 * if the user has not been named.
 */
export function userHandleOf(userId: string): string {
  return Buffer.from(userId.replaceAll("-", ""), "hex").toString("base64url");
}

/** Makes `PublicKeyCredentialCreationOptionsJSON` (WebAuthn Level 3 §5.1.9). */
export function creationOf(
  deps: OptionsDeps,
  { id, challenge, expiresAt }: Ceremony,
  user: User,
  own: readonly Passkey[],
): Creation {
  const name = user.email ?? user.username ?? user.id;
  const options = {
    rp: { id: deps.passkeyDomain, name: deps.serviceName },
    user: { id: userHandleOf(user.id), name, displayName: name },
    challenge,
    pubKeyCredParams: algorithms.map((alg) => ({ type: "public-key", alg })),
    timeout: CEREMONY_SECONDS * 1000,
    excludeCredentials: own.map(descriptorOf),
    authenticatorSelection: {
      residentKey: "required",
      requireResidentKey: true,
      userVerification: "preferred",
    },
    attestation: "none",
  };
  return { ceremonyId: id, options, expiresAt };
}

/**
 * Makes `PublicKeyCredentialRequestOptionsJSON` (WebAuthn Level 3 §5.1.10).
 *
 * @param own the user whose passkeys are accepted; if absent, any passkey is that verifies its user
 */
export function requestOf(
  deps: RelyingParty,
  { id, challenge, expiresAt }: Ceremony,
  own?: readonly Passkey[],
): Request {
  const options = {
    rpId: deps.passkeyDomain,
    challenge,
    timeout: CEREMONY_SECONDS * 1000,
    userVerification: own === undefined ? "required" : "preferred",
    ...(own !== undefined && { allowCredentials: own.map(descriptorOf) }),
  };
  return { ceremonyId: id, options, expiresAt };
}

function descriptorOf({ credentialId, transports }: Passkey) {
  return { type: "public-key", id: credentialId, transports: [...transports] };
}
