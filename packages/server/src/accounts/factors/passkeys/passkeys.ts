import type { Assertion, Attestation, Proof } from "@portcullis/contract";
import { isIP } from "node:net";
import type { Tx } from "../../../platform/db/open.ts";
import { uuidv7 } from "../../../platform/kernel/ids.ts";
import type { Asked, Checked, Factor, Spent } from "../../sign-in/factor.ts";
import type { User } from "../../users/users.store.ts";
import { noteAdded } from "../change.ts";
import { beginCeremony, endCeremony, purposeOf } from "./ceremonies.ts";
import { creationOf, requestOf, type Creation, type OptionsDeps } from "./options.ts";
import { findPasskey, hasPasskey, insertPasskey, listPasskeys } from "./passkeys.store.ts";
import { amrOf, showPasskey, type ShowDeps } from "./show-passkey.ts";
import type { Registered } from "./verify.ts";

export interface PasskeyDeps extends ShowDeps, OptionsDeps {}

const MOST_PASSKEYS = 10;
const UNNAMED = "Passkey";

export function createPasskeys(deps: PasskeyDeps): Factor {
  return {
    name: "passkey",
    standsAlone: true,
    isEnrolled: hasPasskey,
    prepare: async ({ flow, user }) => {
      const ceremony = await beginCeremony(deps, purposeOf("second_factor", flow.id, user));
      if (ceremony === undefined) return { kind: "unavailable" };
      return {
        kind: "prepared",
        prepared: {
          factor: "passkey",
          ...requestOf(deps, ceremony, await listPasskeys(deps.db, user.id)),
        },
      };
    },
    check: async (asked, proof) => checkAssertion(deps, asked, proof),
    enrolment: {
      // No browser registers a passkey for an IP address.
      isOpenTo: () => isIP(deps.passkeyDomain.replace(/^\[|\]$/g, "")) === 0,
      begin: async ({ flow, user }) => {
        const begun = await startRegistration(deps, flow.id, user);
        return begun.kind === "begun"
          ? { kind: "prepared", prepared: { factor: "passkey", ...begun.creation } }
          : { kind: "unavailable" };
      },
      check: async (asked, proof) => checkAttestation(deps, asked, proof),
    },
  };
}

export type RegistrationOutcome =
  | { readonly kind: "begun"; readonly creation: Creation }
  | { readonly kind: "too_many" | "gone" };

/** @param flowId of the challenge or session that it has to be finished in */
export async function startRegistration(
  deps: PasskeyDeps,
  flowId: string,
  user: User,
): Promise<RegistrationOutcome> {
  const own = await listPasskeys(deps.db, user.id);
  if (own.length >= MOST_PASSKEYS) return { kind: "too_many" };
  const ceremony = await beginCeremony(deps, purposeOf("registration", flowId, user));
  if (ceremony === undefined) return { kind: "gone" };
  return { kind: "begun", creation: creationOf(deps, ceremony, user, own) };
}

const mismatched = { kind: "mismatched" } as const;

async function checkAssertion(
  deps: PasskeyDeps,
  { flow, user, origin }: Asked,
  proof: Proof,
): Promise<Checked> {
  if (proof.factor !== "passkey") return mismatched;
  const ceremony = await endCeremony(
    deps,
    proof.ceremonyId,
    purposeOf("second_factor", flow.id, user),
  );
  const { credential } = proof;
  if (ceremony === undefined || isAttestation(credential)) return mismatched;
  const passkey = await findPasskey(deps.db, credential.id);
  if (passkey?.userId !== user.id) return mismatched;
  const match = await showPasskey(deps, { ceremony, credential, passkey, alone: false }, origin);
  return match === undefined ? mismatched : { kind: "matched", match };
}

async function checkAttestation(deps: PasskeyDeps, asked: Asked, proof: Proof): Promise<Checked> {
  if (proof.factor !== "passkey") return mismatched;
  const ceremony = await endCeremony(
    deps,
    proof.ceremonyId,
    purposeOf("registration", asked.flow.id, asked.user),
  );
  const { credential } = proof;
  if (ceremony === undefined || !isAttestation(credential)) return mismatched;
  const { verifyRegistration } = await import("./verify.ts");
  const registered = await verifyRegistration(deps, ceremony.challenge, credential);
  if (registered === undefined) return mismatched;
  const { transports = [] } = credential.response;
  return {
    kind: "matched",
    match: {
      amr: amrOf(registered),
      spend: async (tx) => enrol(tx, deps, asked, { ...registered, transports }),
    },
  };
}

function isAttestation(credential: Assertion | Attestation): credential is Attestation {
  return "attestationObject" in credential.response;
}

async function enrol(
  tx: Tx,
  deps: PasskeyDeps,
  { user, origin, name = UNNAMED }: Asked,
  {
    signCount,
    kind,
    backedUp,
    verified,
    ...registered
  }: Registered & { readonly transports: readonly string[] },
): Promise<Spent | undefined> {
  if ((await listPasskeys(tx, user.id)).length >= MOST_PASSKEYS) return undefined;
  const [id, now] = [uuidv7(deps), deps.clock.now()];
  const isNew = await insertPasskey(tx, {
    id,
    userId: user.id,
    name,
    ...registered,
    signCount,
    kind,
    backedUpAt: backedUp ? now : null,
    verifiedAt: verified ? now : null,
    suspectSince: null,
    createdAt: now,
    lastUsedAt: null,
  });
  if (!isNew) return undefined;
  await noteAdded(tx, deps, { user, name: "passkey" }, origin);
  return { enrolledId: id };
}
