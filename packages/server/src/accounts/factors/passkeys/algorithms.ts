/**
 * The algorithms that passkeys may sign with: ES256, EdDSA, RS256, best first (COSE, RFC 9053 §2
 * and RFC 8812 §2).
 */
export const algorithms = [-7, -8, -257] as const;
