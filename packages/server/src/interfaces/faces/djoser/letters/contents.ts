import { z } from "zod";
import type { UnixSeconds } from "../../../../platform/kernel/clock.ts";
import { sampleMoment } from "../../../../records/mail/templates/contents.ts";
import { span, type Context } from "../../../../records/mail/templates/template.ts";
import { oneLine, quoted } from "../../../../records/mail/templates/text.ts";

/**
 * Describes an account: its username, which is empty if it has none, and whether the reader is
 * known to own it.
 */
const account = { username: z.string(), isConfirmed: z.boolean() };
const sampleAccount = { username: "ada.lovelace", isConfirmed: true };

const ofAccount = { data: z.strictObject(account), sample: sampleAccount };

/** The link leads to the front end and was made when the mail was queued. */
const withLink = {
  data: z.strictObject({
    ...account,
    link: z.url({ protocol: /^https?$/ }),
    linkExpiresAt: z.int(),
  }),
  sample: {
    ...sampleAccount,
    link: "https://accounts.example.com/#/sample/MQ/sample-0123456789abcdef",
    linkExpiresAt: sampleMoment + 3 * 86_400,
  },
};

/** The data that each of Djoser's letters is filled with, and a sample of it. */
export const contents = {
  activation: { ...withLink, sample: { ...withLink.sample, isConfirmed: false } },
  confirmation: ofAccount,
  password_reset: withLink,
  password_changed: ofAccount,
  username_changed: ofAccount,
  username_reset: withLink,
};

interface Account {
  readonly username: string;
  readonly isConfirmed: boolean;
}

/**
 * If the reader may be a stranger, the username is quoted, so that the person who chose it cannot
 * use it to say anything to the reader.
 */
export const accountName = ({ username, isConfirmed }: Account) => ({
  username: isConfirmed ? oneLine(username) : quoted(username),
});

export const accountLink = (
  data: Account & { readonly link: string; readonly linkExpiresAt: UnixSeconds },
  { now, language }: Context,
) => ({
  ...accountName(data),
  link: data.link,
  linkValidity: span(data.linkExpiresAt - now, language),
});
