import { z } from "zod";
import { endpoint, stepUps } from "../endpoint.ts";
import { about, count, email, id, pageOf, pageQuery, time, timeOrNull } from "./shapes.ts";

const shared = { tag: "Mail", access: "superuser" } as const;
const mailId = id("The id of the mail.", "019ad7c9-3ba7-7f54-8e12-a5d9c0b7f648");
const suppressionId = id("The id of the suppression.", "019ad7ca-52f8-7c03-9da4-1e6b8f3c7d05");
const mailState = (description: string) =>
  about(z.enum(["queued", "failed", "sent"]), description, "failed");

/**
 * Takes reports of undeliverable mail from a mail provider. Providers have formats of their own, so
 * a small function of yours usually translates and signs them.
 *
 * ```ts
 * import { createHmac } from "node:crypto";
 *
 * const body = JSON.stringify({ reports: [{ kind: "complaint", address: "anna@example.com" }] });
 * const t = Math.floor(Date.now() / 1000);
 * const secret = process.env.PORTCULLIS_MAIL_WEBHOOK_SECRET ?? "";
 * const v1 = createHmac("sha256", secret).update(`${t}.${body}`).digest("hex");
 * await fetch("https://id.example.com/v1/mail-reports", {
 *   method: "POST",
 *   headers: {
 *     "content-type": "application/json",
 *     "portcullis-signature": `t=${t},v1=${v1}`,
 *   },
 *   body,
 * });
 * ```
 */
export const reportMail = endpoint({
  name: "reportMail",
  method: "POST",
  path: "/v1/mail-reports",
  tag: "Mail",
  summary: "Report bounces and complaints",
  description:
    "For the webhook of the mail provider, or for a service that translates it. An address that bounced for good or complained gets no more mail. The shared secret of `Portcullis-Signature` is PORTCULLIS_MAIL_WEBHOOK_SECRET.",
  access: "signed",
  input: z.strictObject({
    reports: about(
      z
        .array(
          z.strictObject({
            kind: about(
              z.enum(["hard_bounce", "complaint"]),
              "`hard_bounce` if the address cannot receive mail, `complaint` if its owner marked a mail as spam.",
              "hard_bounce",
            ),
            address: email,
          }),
        )
        .min(1)
        .max(100),
      "One report for each address.",
    ),
  }),
  answers: { 204: null },
  failures: ["invalid_input"],
});

/**
 * Shows whether mail leaves. A growing number of `queued` mails means that the mail server is down.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/admin/mails?state=failed", {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { items, nextCursor } = await response.json();
 * ```
 */
export const adminListMails = endpoint({
  ...shared,
  name: "adminListMails",
  method: "GET",
  path: "/v1/admin/mails",
  summary: "List mails, newest first",
  description: "The contents of mails are never shown, because they hold codes and links.",
  query: z.strictObject({
    state: mailState("Only mails in this state.").optional(),
    ...pageQuery,
  }),
  answers: {
    200: pageOf(
      z.strictObject({
        id: mailId,
        recipient: about(z.string(), "The address that the mail goes to.", "anna@example.com"),
        template: about(z.string(), "The kind of mail.", "password_reset"),
        state: mailState("`failed` if the server has given up."),
        attempts: count("How often the server has tried to send it.", 5),
        createdAt: time("When the mail was written."),
        nextAttemptAt: timeOrNull("When the server tries next, or `null` if it does not.", null),
        sentAt: timeOrNull("When the mail server accepted it, or `null` if it did not.", null),
        failedAt: timeOrNull("When the server gave up, or `null` if it did not."),
        lastError: about(
          z.string().nullable(),
          "The mail server's last refusal, or `null` if there was none.",
          "550 5.1.1",
        ),
      }),
      "A page of mails.",
    ),
  },
  failures: ["invalid_input"],
});

/**
 * Sends a failed mail again after the cause has been repaired.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/admin/mails/${mail.id}/send-again`, {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 202
 * ```
 */
export const adminSendMailAgain = endpoint({
  ...shared,
  name: "adminSendMailAgain",
  method: "POST",
  path: "/v1/admin/mails/{id}/send-again",
  stepUp: stepUps.adminAct,
  summary: "Send a failed mail again",
  description: "The mail is queued again. Mails whose code or link has expired are refused.",
  params: z.strictObject({ id: mailId }),
  answers: { 202: null },
  failures: ["not_found", "mail_expired"],
});

/**
 * Shows which addresses the server no longer sends mail to, and why.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/admin/suppressions?limit=100", {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { items, nextCursor } = await response.json();
 * ```
 */
export const adminListSuppressions = endpoint({
  ...shared,
  name: "adminListSuppressions",
  method: "GET",
  path: "/v1/admin/suppressions",
  summary: "List addresses that get no mail, newest first",
  description: "Users with such an address get neither codes nor notices.",
  query: z.strictObject(pageQuery),
  answers: {
    200: pageOf(
      z.strictObject({
        id: suppressionId,
        address: about(z.string(), "The address that gets no mail.", "anna@example.com"),
        reason: about(
          z.enum(["hard_bounce", "complaint", "operator"]),
          "`hard_bounce` if mail came back, `complaint` if the owner marked mail as spam, `operator` if it was set by hand.",
          "hard_bounce",
        ),
        createdAt: time("When the address was added."),
      }),
      "A page of suppressed addresses.",
    ),
  },
  failures: ["invalid_input"],
});

/**
 * Stops all mail to an address, for example because its owner has asked for that.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/admin/suppressions", {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
 *   body: JSON.stringify({ address: "anna@example.com" }),
 * });
 * console.log(response.status); // 204
 * ```
 */
export const adminSuppressAddress = endpoint({
  ...shared,
  name: "adminSuppressAddress",
  method: "POST",
  path: "/v1/admin/suppressions",
  stepUp: stepUps.adminAct,
  summary: "Stop all mail to an address",
  description: "The response is also 204 if the address was suppressed before.",
  input: z.strictObject({ address: email }),
  answers: { 204: null },
  failures: ["invalid_input"],
});

/**
 * Lets an address receive mail again, for example because its mailbox has been repaired.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/admin/suppressions/${suppression.id}`, {
 *   method: "DELETE",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const adminClearSuppression = endpoint({
  ...shared,
  name: "adminClearSuppression",
  method: "DELETE",
  path: "/v1/admin/suppressions/{id}",
  stepUp: stepUps.adminAct,
  summary: "Allow mail to an address again",
  description: "Mails that failed because of the suppression can be sent again one by one.",
  params: z.strictObject({ id: suppressionId }),
  answers: { 204: null },
  failures: ["not_found"],
});
