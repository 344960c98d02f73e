import type { Page } from "../../platform/http/page.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { devLetter, devPage } from "./development.ts";
import type { Message } from "../../records/mail/message.ts";
import { escapeHtml, linked } from "../../records/mail/templates/text.ts";

export interface MailboxDeps {
  /** Newest first. */
  readonly messages: () => readonly Message[];
  readonly random: Random;
  /** The beginning of every link in our mail. No other links can be clicked. */
  readonly publicUrl: string;
}

/**
 * Serves `/dev/mailbox`, the mail that `mailbox:` has kept, and the HTML of each mail by its id.
 */
export function mailboxPages({ messages, random, publicUrl }: MailboxDeps): readonly Page[] {
  return [
    devPage(random, {
      name: "mailbox",
      path: "/dev/mailbox",
      show: () => {
        const kept = messages();
        return {
          title: `Mailbox (${kept.length})`,
          body: bodyOf(kept, (url) => isBelow(url, publicUrl)),
        };
      },
    }),
    devLetter(
      { name: "mailboxMail", path: "/dev/mailbox/{id}" },
      ({ id }) => messages().find((message) => message.id === id)?.html,
    ),
  ];
}

/**
 * Compares more than the first letters, which `https://accounts.example.com.example.net` shares.
 */
function isBelow(url: string, base: string): boolean {
  return url === base || ["/", "?", "#"].some((next) => url.startsWith(base + next));
}

function bodyOf(messages: readonly Message[], mayLink: (url: string) => boolean): string {
  const list =
    messages.length === 0
      ? "<p>No mail yet.</p>"
      : `<ol>\n${messages.map((message) => itemOf(message, mayLink)).join("\n")}\n</ol>`;
  return `<h1>Mailbox</h1>
<p>Development only: the newest ${messages.length} of the mails this process would have sent. They are gone when it stops. <a href="mails">All letters there are</a></p>
${list}`;
}

function itemOf(message: Message, mayLink: (url: string) => boolean): string {
  const at = new Date(message.at * 1000).toISOString();
  return `<li>
<h2>${escapeHtml(message.subject)}</h2>
<p>To ${escapeHtml(message.to)}, <time datetime="${at}">${at.slice(0, 19).replace("T", " ")} UTC</time>, <a href="mailbox/${escapeHtml(message.id)}">HTML</a></p>
<pre>${linked(message.text, mayLink)}</pre>
</li>`;
}
