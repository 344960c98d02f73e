import type { Instant } from "@portcullis/verifier";
import type { Registry } from "../platform/http/metrics.ts";
import type { Rules } from "./rules.ts";
import { mailChannel, mailFigures } from "../records/mail/mail.ts";
import { oldestQueuedAt } from "../records/outbox/outbox.store.ts";

/** Registers the figures that an operator watches besides the requests (RV-22). */
export function registerGauges(registry: Registry, rules: Rules, instant: () => Instant): void {
  const gauge = (name: string, help: string, read: () => number | Promise<number>): void =>
    registry.gauge({ name: `portcullis_${name}`, help, read });
  const { feed, hasher, db, clock } = rules;
  gauge(
    "revocations_in_view",
    "Revocations in force as this node knows them.",
    () => feed.view.size,
  );
  gauge("revocation_view_bytes", "Memory of the revocation view.", () => feed.view.bytes);
  gauge(
    "revocation_view_fresh",
    "1 while the revocation view is young enough to accept tokens.",
    () => (feed.view.isFresh(instant()) ? 1 : 0),
  );
  gauge("password_queue", "Passwords waiting to be hashed.", () => hasher.figures().queued);
  gauge(
    "password_evaluations",
    "Passwords hashed since the start.",
    () => hasher.figures().evaluations,
  );
  gauge(
    "password_refused",
    "Passwords turned away because the queue was full, since the start.",
    () => hasher.figures().refused,
  );
  gauge("mails_queued", "Mails not sent yet.", async () => (await mailFigures(db)).queued);
  gauge("mails_failed", "Mails given up.", async () => (await mailFigures(db)).failed);
  gauge(
    "mail_oldest_queued_age_seconds",
    "Age of the oldest mail that is not sent yet; 0 where none is waiting.",
    async () => {
      const now = clock.now();
      return Math.max(0, now - ((await oldestQueuedAt(db, mailChannel.name)) ?? now));
    },
  );
}
