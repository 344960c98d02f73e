import type { Message } from "./message.ts";

export type SendOutcome =
  /** It is in other hands. */
  | { readonly kind: "sent" }
  /** The other side's word on this very mail. */
  | {
      readonly kind: "refused";
      readonly permanent: boolean;
      /** Nobody will ever read mail there. */
      readonly deadAddress: boolean;
      readonly error: string;
    }
  /** Whether it has arrived, nobody knows. */
  | { readonly kind: "interrupted"; readonly error: string }
  /**
   * It was not even looked at, and nor would the next one be. All but `connection` need an
   * operator.
   */
  | { readonly kind: "unavailable"; readonly cause: UnavailableCause; readonly error: string };

export type UnavailableCause =
  | "connection"
  | "authentication"
  | "encryption"
  | "sender"
  | "storage";

export interface Transport {
  /**
   * `signal` aborts a send that takes too long. `error` in what it says is a class of errors, never
   * a sentence.
   */
  send(message: Message, signal: AbortSignal): Promise<SendOutcome>;
  close(): void;
  /** Newest first. Only `mailbox:` keeps what it was given, for the development page. */
  readonly messages?: () => readonly Message[];
}
