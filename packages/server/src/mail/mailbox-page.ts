import type { Message } from "./message.ts";
import { escapeHtml } from "./templates/template.ts";

/**
 * The development page `/dev/mailbox`: what `mailbox:` would have sent, without script or anything from elsewhere.
 *
 * @param nonce that of `style-src` in the page's Content-Security-Policy
 * @param messages newest first
 */
export function mailboxPage(messages: readonly Message[], nonce: string): string {
  const list = messages.length === 0 ? "<p>No mail yet.</p>" : `<ol>\n${messages.map(itemOf).join("\n")}\n</ol>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Mailbox (${messages.length})</title>
<style nonce="${escapeHtml(nonce)}">
${STYLE}</style>
</head>
<body>
<h1>Mailbox</h1>
<p>Development only: the newest ${messages.length} of the mails this process would have sent. They are gone when it stops.</p>
${list}
</body>
</html>
`;
}

const STYLE = `body { margin: 0 auto; padding: 1rem; max-width: 45rem; font: 1rem/1.5 system-ui, sans-serif; }
h1, h2 { margin: 0; font-size: 1.25rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; }
ol { margin: 0; padding: 0; list-style: none; }
li { margin: 1rem 0; padding: 1rem; border: 1px solid color-mix(in srgb, currentColor 30%, transparent); border-radius: .5rem; }
li p { margin: 0; opacity: .75; overflow-wrap: anywhere; }
pre { margin: 1rem 0 0; font: .9rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
`;

function itemOf(message: Message): string {
  const at = new Date(message.at * 1000).toISOString();
  return `<li>
<h2>${escapeHtml(message.subject)}</h2>
<p>To ${escapeHtml(message.to)}, <time datetime="${at}">${at.slice(0, 19).replace("T", " ")} UTC</time></p>
<pre>${escapeHtml(message.text)}</pre>
</li>`;
}
