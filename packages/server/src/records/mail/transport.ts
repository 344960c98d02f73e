import type { Message } from "./message.ts";

export type SendOutcome =
  /** The other side has taken the mail. */
  | { readonly kind: "sent" }
  /** The other side has refused this very mail. */
  | {
      readonly kind: "refused";
      readonly permanent: boolean;
      /** True if the address does not exist, so that mail to it will never be read. */
      readonly deadAddress: boolean;
      readonly error: string;
    }
  /** The connection broke, so the mail may have arrived or not. */
  | { readonly kind: "interrupted"; readonly error: string }
  /**
   * The mail was not looked at, and the next one would not be either. All causes except
   * `connection` need an operator.
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
   * `signal` aborts a send that takes too long. `error` in the outcome is a class of errors and
   * never a message.
   */
  send(message: Message, signal: AbortSignal): Promise<SendOutcome>;
  close(): void;
  /** Lists the messages, newest first. Only `mailbox:` keeps them, for the development page. */
  readonly messages?: () => readonly Message[];
}
