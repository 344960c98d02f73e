import type { EndCause } from "@portcullis/contract";
import type { RemoteOrigin } from "../../records/audit/events.ts";
import type { Held } from "../../platform/db/held.ts";
import type { Tx } from "../../platform/db/open.ts";
import type { User } from "./users.store.ts";
import type { Client } from "../../platform/http/serve.ts";

/**
 * The functions for sessions that changing an account needs. Sessions stand above this folder, so
 * process/ passes the implementation down.
 */
export interface SessionEnding {
  /** Ends every session and every token of the user. */
  endAll(tx: Tx, user: Held<User>, cause: EndCause): Promise<void>;
  /**
   * Does the same and opens the given session anew, on the same proofs. Returns `undefined` if that
   * session had ended already.
   */
  endAllAndReopen(
    tx: Tx,
    session: { readonly user: Held<User>; readonly sessionId: string },
    cause: EndCause,
    client: Client,
  ): Promise<Renewal | undefined>;
  /**
   * Ends every session of the user but the given one, each by itself. Returns false if that one has
   * ended.
   */
  endOthers(tx: Tx, user: Held<User>, sessionId: string, cause: EndCause): Promise<boolean>;
}

export interface Renewal {
  /** Signs the new session's tokens; call it after the commit. */
  tokens(): SessionTokens;
}

export interface SessionTokens {
  readonly accessToken: string;
  readonly tokenType: "Bearer";
  readonly expiresInSeconds: number;
  readonly refreshToken: string;
  readonly sessionId: string;
}

export type OwnPasswordOutcome =
  | { readonly kind: "matched" }
  | { readonly kind: "mismatched" }
  | { readonly kind: "busy" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number };

/** A user who asks from within a session. */
export interface SignedIn {
  readonly userId: string;
  readonly sessionId: string;
  /** Whether the endpoint has made sure that a second factor was shown lately. */
  readonly hasShownFactor?: boolean;
}

/**
 * Asks a signed-in user for their password again. Each session has attempts of its own, as a
 * trusted device has (LG-04). A user without a password leaves it out and must have shown a second
 * factor instead.
 */
export type CheckOwnPassword = (
  who: SignedIn,
  password: string | undefined,
  origin: RemoteOrigin,
) => Promise<OwnPasswordOutcome>;
