/**
 * Names everything that is recorded. A name is frozen once released. The reference explains what it
 * means to an operator.
 */
export type AuditEventName =
  | "user.registered"
  | "user.confirmed"
  | "user.updated"
  | "user.deleted"
  | "user.disabled"
  | "user.enabled"
  | "users.imported"
  | "tokens.imported"
  | "email.change_started"
  | "email.changed"
  | "email.change_undone"
  | "username.changed"
  | "password.changed"
  | "password.reset_started"
  | "password.reset"
  | "session.opened"
  | "session.ended"
  | "sessions.ended"
  | "session.refresh_grace"
  | "session.refresh_reused"
  | "session.refresh_ahead"
  | "sign_in.failed"
  | "sign_in.throttled"
  | "sign_in.challenged"
  | "second_factor.failed"
  | "second_factor.throttled"
  | "session.stepped_up"
  | "factor.added"
  | "factor.removed"
  | "factor.renamed"
  | "factor.suspect"
  | "factors.reset"
  | "recovery_codes.made"
  | "recovery_code.used"
  | "device.remembered"
  | "device.forgotten"
  | "password.removed"
  | "superuser.created"
  | "key.announced"
  | "key.activated"
  | "key.retired"
  | "key.removed"
  | "mail.requeued"
  | "mail.suppressed"
  | "mail.suppression_cleared"
  | "audit.pruned"
  | "backup.restored";

/**
 * The actor of an event. An operator acts on the server itself (command line), a superuser over
 * HTTP.
 */
export type Actor =
  | { readonly kind: "user" | "superuser"; readonly id: string }
  | { readonly kind: "operator" | "system" | "anonymous" };

/** Tells where a call came from. Rules receive it from their edge and hand it on to `record`. */
export interface Origin {
  readonly address: string | null;
  readonly requestId: string | null;
  readonly actor: Actor;
}
