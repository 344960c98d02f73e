import type { Client } from "../../platform/http/serve.ts";

/** Every event that is recorded, with its meaning to an operator. A released name is frozen. */
export const auditEvents = {
  "user.registered": "A user has registered, or a face has created an account.",
  "user.confirmed": "A new user has confirmed their address, and the account is active.",
  "user.updated": "A user has changed their profile.",
  "user.deleted": "An account has been deleted; the audit log keeps its id.",
  "user.disabled": "A superuser or an operator has disabled an account.",
  "user.enabled": "A disabled account has been enabled again.",
  "users.imported": "An import from Django has added users; the details count them.",
  "tokens.imported": "Refresh tokens of Django have been imported for a user.",
  "email.change_started":
    "A user has asked for another e-mail address, which is still to be confirmed.",
  "email.changed": "The e-mail address of an account has changed.",
  "email.change_undone":
    "A change of address was taken back from the old address: every session has ended and the password is void.",
  "username.changed": "A username has been set, changed or removed.",
  "password.changed": "A user has changed their password.",
  "password.reset_started": "A mail with a link and a code to reset a password has been asked for.",
  "password.reset": "A forgotten password has been replaced by the link or the code of the mail.",
  "session.opened": "A user has signed in.",
  "session.ended": "One session has ended; the details name the cause.",
  "sessions.ended":
    "All sessions of a user, or of everybody, have ended; the details name the cause.",
  "session.refresh_grace":
    "A refresh token was used again within the grace; the client got the same answer once more.",
  "session.refresh_reused":
    "A refresh token was used again after the grace: it may be stolen, and the session has ended.",
  "session.refresh_ahead":
    "A refresh token was newer than the database, as after restoring a backup: the session has ended.",
  "sign_in.failed":
    "A sign-in has failed; in a series only the 1st, 2nd, 4th, 8th … of an hour is recorded, with the count.",
  "sign_in.throttled":
    "A sign-in was refused because of too many attempts; a series is recorded like failures.",
  "sign_in.challenged": "The password was right, and a second factor was asked for.",
  "second_factor.failed":
    "A second factor was wrong; a series is recorded like failures of sign-ins.",
  "second_factor.throttled":
    "A second factor was refused because of too many attempts; a series is recorded like failures.",
  "session.stepped_up": "A user has proven more within a session, which goes on under a new id.",
  "factor.added": "A second factor has been set up.",
  "factor.removed": "A second factor has been removed.",
  "factor.renamed": "A user has given a passkey another name.",
  "factor.suspect":
    "The counter of a passkey went back: there may be a copy of it. The passkey was refused.",
  "factors.reset": "An operator or a superuser has removed every second factor of a user.",
  "recovery_codes.made": "A new set of recovery codes has been made; the old ones are void.",
  "recovery_code.used": "A recovery code has been used instead of a second factor.",
  "device.remembered":
    "A device has been remembered: it is not asked for a second factor for a while.",
  "device.forgotten": "A remembered device has been forgotten.",
  "password.removed": "A user has removed the password and signs in with a passkey only.",
  "superuser.created": "A superuser has been created.",
  "key.announced": "A new signing key has been published; it does not sign yet.",
  "key.activated": "A signing key has begun to sign.",
  "key.retired": "A signing key has stopped signing; tokens that it signed are still accepted.",
  "key.removed": "A signing key has been removed: no token that it signed is accepted.",
  "mail.requeued": "A mail that was given up is sent again.",
  "mail.suppressed": "An address gets no mail from now on; the details name the reason.",
  "mail.suppression_cleared": "An address may get mail again.",
  "audit.pruned":
    "Audit events older than the retention have been removed; the chain begins after them.",
  "backup.restored": "A backup has been restored, and every session has ended.",
} as const;

export type AuditEventName = keyof typeof auditEvents;

/**
 * The actor of an event. An operator acts on the server itself (command line), a superuser over
 * HTTP.
 */
export type Actor =
  | { readonly kind: "user" | "superuser"; readonly id: string }
  | { readonly kind: "operator" | "system" | "anonymous" };

/**
 * Tells where a change comes from. `origin.ts` makes it, rules receive it from their edge, and
 * `record` writes it down. The command line has no address and no request.
 */
export interface Origin {
  readonly address: string | null;
  readonly requestId: string | null;
  readonly actor: Actor;
}

/**
 * The origin of a call over HTTP, which has a client. A rule takes this type if it limits, stores
 * or reports the client, as a sign-in does.
 */
export interface RemoteOrigin extends Origin, Client {
  readonly address: string;
}
