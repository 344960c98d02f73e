export type { AccessClaims, Amr, EndCause } from "@portcullis/contract";
export { areClaims, type ExpectedClaims, type VerifiedClaims } from "./claims.ts";
export { stepUpChallenge, type Demand, type Insufficient } from "./demand.ts";
export {
  createKeySet,
  type Algorithm,
  type Jwk,
  type KeySet,
  type PublicKey,
  type VerificationKey,
} from "./keys.ts";
export { findJsonDefect, type JsonDefect } from "./strict-json.ts";
export { MAX_TOKEN_BYTES, readCompact, type Compact, type HeaderShape } from "./syntax.ts";
export {
  createVerifier,
  type Verifier,
  type VerifierClock,
  type VerifierOptions,
  type VerifyOutcome,
} from "./verifier.ts";
export {
  createRevocationView,
  type Covered,
  type Instant,
  type RevocationRow,
  type RevocationView,
  type RevokedOutcome,
} from "./view.ts";
export { uuidWords, type UuidWords } from "./uuid.ts";
