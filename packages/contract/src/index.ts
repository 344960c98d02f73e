export { amrValues, type AccessClaims, type AccessHeader, type Amr } from "./claims.ts";
export {
  endpoint,
  failuresOf,
  stepUps,
  type Access,
  type Answers,
  type Budget,
  type Endpoint,
  type Method,
  type StepUp,
} from "./endpoint.ts";
export {
  factorNames,
  type Assertion,
  type Attestation,
  type Begun,
  type CodeProof,
  type FactorName,
  type NewPasskeyProof,
  type PasskeyProof,
  type Prepared,
  type Proof,
} from "./endpoints/proofs.ts";
export { endpoints } from "./endpoints.ts";
export { endCauses, failures, type EndCause, type Failure, type FailureCode } from "./failures.ts";
export { openApiDocument, type OpenApi } from "./openapi.ts";
