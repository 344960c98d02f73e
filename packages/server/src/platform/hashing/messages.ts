/**
 * A password to be verified. Our hashes are over the normalised form (PW-04), and those of other
 * systems over the password as it was typed.
 */
export interface PresentedPassword {
  readonly normalized: string;
  readonly asTyped: string;
}

export type HashRequest =
  | { readonly id: number; readonly kind: "hash"; readonly password: string }
  | {
      readonly id: number;
      readonly kind: "verify";
      readonly hash: string;
      readonly presented: PresentedPassword;
    };

export type HashReply =
  | { readonly id: number; readonly kind: "hashed"; readonly phc: string }
  | { readonly id: number; readonly kind: "matched" | "mismatched" }
  | { readonly id: number; readonly kind: "fault"; readonly message: string };

const requestKinds: readonly unknown[] = ["hash", "verify"];
const replyKinds: readonly unknown[] = ["hashed", "matched", "mismatched", "fault"];

export function isRequest(message: unknown): message is HashRequest {
  return hasKind(message) && requestKinds.includes(message.kind);
}

export function isReply(message: unknown): message is HashReply {
  return hasKind(message) && replyKinds.includes(message.kind);
}

function hasKind(message: unknown): message is { readonly kind: unknown } {
  return typeof message === "object" && message !== null && "id" in message && "kind" in message;
}
