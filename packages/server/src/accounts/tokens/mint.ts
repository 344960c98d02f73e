import type { AccessClaims } from "@portcullis/contract";
import type { Clock } from "../../platform/kernel/clock.ts";
import { uuidv4 } from "../../platform/kernel/ids.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { algorithms } from "./algorithms.ts";
import type { Keys } from "./keys.ts";

export interface MintDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: Keys;
  readonly issuer: string;
  readonly audience: string;
}

/**
 * The claims of an access token about its session. `expiresAt` must be stored with the session
 * before the token is signed.
 */
export interface Grant {
  readonly userId: string;
  readonly sessionId: string;
  readonly hardEpoch: number;
  readonly authorizationEpoch: number;
  readonly generation: number;
  readonly authTime: number;
  readonly amr: AccessClaims["amr"];
  readonly acr: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** The claims that a face adds to ours. It may replace `jti` by one of another form. */
export type FaceClaims = Readonly<Record<string, string | number | null>>;

/** Signs an access token (RFC 9068). */
export function mint(deps: MintDeps, grant: Grant, ofFace: FaceClaims = {}): string {
  const key = deps.keys.signing();
  const input = `${encode({ alg: key.algorithm, typ: "at+jwt", kid: key.kid })}.${encode({ ...claimsOf(deps, grant), ...ofFace })}`;
  return `${input}.${algorithms[key.algorithm].sign(Buffer.from(input), key.privateKey).toString("base64url")}`;
}

export function claimsOf(deps: Omit<MintDeps, "keys">, grant: Grant): AccessClaims {
  return {
    iss: deps.issuer,
    aud: deps.audience,
    sub: grant.userId,
    sid: grant.sessionId,
    jti: uuidv4(deps.random),
    iat: grant.issuedAt,
    exp: grant.expiresAt,
    hep: grant.hardEpoch,
    aep: grant.authorizationEpoch,
    gen: grant.generation,
    auth_time: grant.authTime,
    amr: grant.amr,
    acr: grant.acr,
  };
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
