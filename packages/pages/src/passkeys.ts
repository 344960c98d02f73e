import { client, type AnswerOf, type BodyOf } from "./api.ts";

type Assertion = Extract<BodyOf<"POST /v1/step-up">, { readonly credential: object }>["credential"];
type Attestation = BodyOf<"POST /v1/me/factors/passkeys">["credential"];

export const canUsePasskeys =
  "PublicKeyCredential" in window &&
  typeof PublicKeyCredential.parseRequestOptionsFromJSON === "function";

/** Whether the browser offers passkeys among the names that it fills in. */
export async function canAutofill(): Promise<boolean> {
  if (!canUsePasskeys) return false;
  return PublicKeyCredential.isConditionalMediationAvailable();
}

/**
 * Asks the browser for a proof with a passkey.
 *
 * @throws {DOMException} if the user turns it down
 */
export async function prove(
  options: object,
  more: CredentialRequestOptions = {},
): Promise<Assertion> {
  // oxlint-disable-next-line typescript/consistent-type-assertions -- browsers parse it
  const json = options as PublicKeyCredentialRequestOptionsJSON;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(json);
  // oxlint-disable-next-line typescript/consistent-type-assertions -- it was asked for
  const credential = (await navigator.credentials.get({
    ...more,
    publicKey,
  })) as PublicKeyCredential;
  // oxlint-disable-next-line typescript/consistent-type-assertions -- WebAuthn Level 3 §5.1
  return credential.toJSON() as object as Assertion;
}

/** @throws {DOMException} if the user turns it down, or the device has a passkey already */
export async function make(options: object): Promise<Attestation> {
  // oxlint-disable-next-line typescript/consistent-type-assertions -- browsers parse it
  const json = options as PublicKeyCredentialCreationOptionsJSON;
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(json);
  // oxlint-disable-next-line typescript/consistent-type-assertions -- it was asked for
  const credential = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
  // oxlint-disable-next-line typescript/consistent-type-assertions -- WebAuthn Level 3 §5.1
  return credential.toJSON() as object as Attestation;
}

export const isDomException = (error: unknown, name: string): boolean =>
  error instanceof DOMException && error.name === name;

type Started = AnswerOf<"POST /v1/sessions/passkey/start">;

/** Signs in with a passkey that the browser offers, in its own window or while a name is typed. */
export async function signInWithPasskey({
  autofill,
  keep,
  signal,
}: {
  readonly autofill: boolean;
  readonly keep: () => boolean;
  readonly signal: AbortSignal;
}): Promise<object> {
  const { ceremonyId, options }: Started = await client.call("POST /v1/sessions/passkey/start");
  const credential = await prove(options, {
    signal,
    ...(autofill && { mediation: "conditional" }),
  });
  const { deviceToken } = client.deviceTokens();
  return client.call("POST /v1/sessions/passkey", {
    keep: keep(),
    body: { ceremonyId, credential, ...(deviceToken !== undefined && { deviceToken }) },
  });
}

/**
 * Tells the browser which passkeys of the user are still good, so that it no longer offers one that
 * was removed (WebAuthn Level 3 §5.1.10). The options for a new passkey name them all.
 */
export async function signalAccepted(): Promise<void> {
  if (!canUsePasskeys || !("signalAllAcceptedCredentials" in PublicKeyCredential)) return;
  const { options } = await client.call("POST /v1/me/factors/passkeys/start");
  // oxlint-disable-next-line typescript/consistent-type-assertions -- browsers parse it
  const known = options as object as PublicKeyCredentialCreationOptionsJSON;
  const { rp, user, excludeCredentials = [] } = known;
  if (rp.id === undefined) return;
  await PublicKeyCredential.signalAllAcceptedCredentials({
    rpId: rp.id,
    userId: user.id,
    allAcceptedCredentialIds: excludeCredentials.map(({ id }) => id),
  });
}
