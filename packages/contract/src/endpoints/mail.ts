import { z } from "zod";
import { unixSeconds } from "../claims.ts";
import { adminAct, endpoint } from "../endpoint.ts";
import { email, id, pageOf, pageQuery } from "./shapes.ts";

const shared = { tag: "Mail", access: "superuser" } as const;

export const reportMail = endpoint({
  name: "reportMail",
  method: "POST",
  path: "/v1/mail-reports",
  tag: "Mail",
  summary: "Report bounces and complaints",
  description:
    "For the mail provider's webhook, or what stands before it. An address that bounced for good or complained gets no more mail. The header `Portcullis-Signature` reads `t=<Unix seconds>,v1=<hex>`: HMAC-SHA-256 over `<t>.<body>` under PORTCULLIS_MAIL_WEBHOOK_SECRET, not older than five minutes and good once.",
  access: "signed",
  input: z.strictObject({
    reports: z
      .array(z.strictObject({ kind: z.enum(["hard_bounce", "complaint"]), address: email }))
      .min(1)
      .max(100),
  }),
  answers: { 204: null },
  failures: ["invalid_input"],
});

export const adminListMails = endpoint({
  ...shared,
  name: "adminListMails",
  method: "GET",
  path: "/v1/admin/mails",
  summary: "Mails, newest first",
  query: z.strictObject({ state: z.enum(["queued", "failed", "sent"]).optional(), ...pageQuery }),
  answers: {
    200: pageOf(
      z.strictObject({
        id,
        recipient: z.string(),
        template: z.string(),
        state: z.enum(["queued", "failed", "sent"]),
        attempts: z.int(),
        createdAt: unixSeconds,
        nextAttemptAt: unixSeconds.nullable(),
        sentAt: unixSeconds.nullable(),
        failedAt: unixSeconds.nullable(),
        lastError: z.string().nullable(),
      }),
    ),
  },
  failures: ["invalid_input"],
});

export const adminSendMailAgain = endpoint({
  ...shared,
  name: "adminSendMailAgain",
  method: "POST",
  path: "/v1/admin/mails/{id}/send-again",
  stepUp: adminAct,
  summary: "Send a mail that was given up",
  params: z.strictObject({ id }),
  answers: { 202: null },
  failures: ["not_found", "mail_expired"],
});

export const adminListSuppressions = endpoint({
  ...shared,
  name: "adminListSuppressions",
  method: "GET",
  path: "/v1/admin/suppressions",
  summary: "Addresses that get no more mail, newest first",
  query: z.strictObject(pageQuery),
  answers: {
    200: pageOf(
      z.strictObject({
        id,
        address: z.string(),
        reason: z.enum(["hard_bounce", "complaint", "operator"]),
        createdAt: unixSeconds,
      }),
    ),
  },
  failures: ["invalid_input"],
});

export const adminSuppressAddress = endpoint({
  ...shared,
  name: "adminSuppressAddress",
  method: "POST",
  path: "/v1/admin/suppressions",
  stepUp: adminAct,
  summary: "Send no more mail to an address",
  input: z.strictObject({ address: email }),
  answers: { 204: null },
  failures: ["invalid_input"],
});

export const adminClearSuppression = endpoint({
  ...shared,
  name: "adminClearSuppression",
  method: "DELETE",
  path: "/v1/admin/suppressions/{id}",
  stepUp: adminAct,
  summary: "Let an address get mail again",
  params: z.strictObject({ id }),
  answers: { 204: null },
  failures: ["not_found"],
});
