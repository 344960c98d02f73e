import type { SessionPolicy } from "../sessions/session-policy.ts";

/**
 * The rules of one way to sign in. They are passed to every function that lets a user in, because
 * the native endpoints and each face have their own.
 */
export interface SignInPolicy {
  /** The lifetimes of the session that a sign-in opens. */
  readonly sessions: SessionPolicy;
  /** Whether an account is refused as long as its address is unconfirmed. */
  readonly requireVerifiedEmail: boolean;
  /**
   * Whether a sign-in from a client without a device token is reported to the user by mail. The
   * clients of a face have no device tokens, so there every sign-in would be reported.
   */
  readonly noticeNewDevices: boolean;
  /**
   * Whether recovery codes are made with the first factor that a user sets up during a sign-in. The
   * answers of a face have no place for them.
   */
  readonly makesRecoveryCodes: boolean;
}
