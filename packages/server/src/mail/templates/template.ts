import type { z } from "zod";
import type { UnixSeconds } from "../../kernel/clock.ts";

export interface Letter {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface LetterContext {
  readonly serviceName: string;
  /** The only origin that links in mail may have (RG-13). */
  readonly publicUrl: string;
  readonly now: UnixSeconds;
}

export interface Draft {
  readonly subject: string;
  readonly blocks: readonly Block[];
}

export type Block =
  | { readonly kind: "paragraph"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "link"; readonly url: string };

export interface Template<Data extends z.ZodType> {
  readonly data: Data;
  /** @throws when `data` is not what this template is filled with */
  write(data: unknown, context: LetterContext): Letter;
}

/** A letter is drafted once; its plain text and its HTML say the same. */
export function template<Data extends z.ZodType>(
  data: Data,
  draft: (data: z.output<Data>, context: LetterContext) => Draft,
): Template<Data> {
  return {
    data,
    write: (given, context) => {
      const drafted = draft(data.parse(given), { ...context, serviceName: oneLine(context.serviceName) });
      return { subject: oneLine(drafted.subject), text: textOf(drafted), html: htmlOf(drafted) };
    },
  };
}

export const paragraph = (text: string): Block => ({ kind: "paragraph", text });
export const code = (text: string): Block => ({ kind: "code", text });
export const link = (url: string): Block => ({ kind: "link", url });

/** "It is valid for 10 minutes.", counted from the sending, at least one. */
export function validity(expiresAt: UnixSeconds, now: UnixSeconds): string {
  const minutes = Math.max(1, Math.floor((expiresAt - now) / 60));
  return `It is valid for ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`;
}

export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

/** Line breaks and other control characters become spaces: a header must not be able to begin another (IN-12). */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ").trim();
}

function textOf(draft: Draft): string {
  const lines = draft.blocks.map((block) => {
    if (block.kind === "paragraph") return block.text;
    return `    ${block.kind === "code" ? block.text : block.url}`;
  });
  return `${lines.join("\n\n")}\n`;
}

const CODE_STYLE = "margin:24px 0;font-family:ui-monospace,monospace;font-size:20px;font-weight:600;overflow-wrap:anywhere";

function htmlOf(draft: Draft): string {
  const title = escapeHtml(oneLine(draft.subject));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
</head>
<body style="margin:0;padding:16px;font-family:system-ui,sans-serif;font-size:16px;line-height:1.5">
<div style="max-width:560px;margin:0 auto">
${draft.blocks.map(htmlOfBlock).join("\n")}
</div>
</body>
</html>
`;
}

function htmlOfBlock(block: Block): string {
  if (block.kind === "paragraph") return `<p style="margin:16px 0">${escapeHtml(block.text)}</p>`;
  if (block.kind === "code") return `<p style="${CODE_STYLE}">${escapeHtml(block.text)}</p>`;
  const url = escapeHtml(block.url);
  return `<p style="margin:16px 0;overflow-wrap:anywhere"><a href="${url}">${url}</a></p>`;
}
