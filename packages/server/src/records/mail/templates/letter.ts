import { escapeHtml, linked } from "./text.ts";

export interface Letter {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** A letter is drafted once, so that its plain text and its HTML say the same. */
export interface Draft {
  readonly subject: string;
  readonly blocks: readonly Block[];
}

export type Block =
  | { readonly kind: "paragraph"; readonly text: string }
  | { readonly kind: "code"; readonly code: string }
  | { readonly kind: "link"; readonly url: string; readonly label: string }
  /** An empty value is left out. */
  | { readonly kind: "details"; readonly values: Readonly<Record<string, string>> };

export const paragraph = (text: string): Block => ({ kind: "paragraph", text });
export const code = (digits: string): Block => ({ kind: "code", code: digits });
export const button = (url: string, label: string): Block => ({ kind: "link", url, label });
export const details = (values: Readonly<Record<string, string>>): Block => ({
  kind: "details",
  values,
});

/** The parts of the HTML around the blocks. */
export interface Frame {
  /** The language of the words, BCP 47. */
  readonly language: string;
  readonly serviceName: string;
}

export function letterOf(draft: Draft, frame: Frame): Letter {
  return { subject: draft.subject, text: textOf(draft), html: htmlOf(draft, frame) };
}

function textOf(draft: Draft): string {
  return `${draft.blocks.map(textOfBlock).join("\n\n")}\n`;
}

function textOfBlock(block: Block): string {
  if (block.kind === "paragraph") return block.text;
  if (block.kind === "code") return `    ${block.code}`;
  if (block.kind === "link") return `    ${block.url}`;
  return shown(block.values)
    .map(([name, value]) => `    ${name}: ${value}`)
    .join("\n");
}

function shown(values: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(values).filter(([, value]) => value !== "");
}

const FONT =
  "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;font-size:16px;line-height:1.5";
const MONOSPACE = "font-family:ui-monospace,Menlo,Consolas,monospace";
/**
 * A transparent grey works on light and dark backgrounds, because mail programs change colours as
 * they like.
 */
const TINTED = "background:rgba(128,128,128,.14);border-radius:8px";

export function htmlOf(draft: Draft, frame: Frame): string {
  return `<!doctype html>
<html lang="${escapeHtml(frame.language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no">
<title>${escapeHtml(draft.subject)}</title>
<style>:root { color-scheme: light dark; }</style>
</head>
<body style="margin:0;padding:24px 20px;${FONT}">
<div style="max-width:560px;margin:0 auto;overflow-wrap:anywhere">
<p style="margin:0 0 24px;font-size:18px;font-weight:700">${escapeHtml(frame.serviceName)}</p>
${draft.blocks.map(htmlOfBlock).join("\n")}
</div>
</body>
</html>
`;
}

function htmlOfBlock(block: Block): string {
  if (block.kind === "paragraph")
    return `<p dir="auto" style="margin:16px 0">${linked(block.text).replaceAll("\n", "<br>\n")}</p>`;
  if (block.kind === "code") return htmlOfCode(block.code);
  if (block.kind === "link") return htmlOfLink(block.url, block.label);
  const rows = shown(block.values).map(
    ([name, value]) =>
      `<p style="margin:8px 0"><span style="font-size:14px;opacity:.75">${escapeHtml(name)}</span><br>${escapeHtml(value)}</p>`,
  );
  return `<div style="margin:20px 0;padding:8px 16px;${TINTED}">\n${rows.join("\n")}\n</div>`;
}

/**
 * Shows the code in two groups and copies it in one piece, because the gap between them is padding
 * and not a space.
 */
function htmlOfCode(digits: string): string {
  const half = digits.length / 2;
  const groups = `<span style="padding-right:.4em">${escapeHtml(digits.slice(0, half))}</span><span>${escapeHtml(digits.slice(half))}</span>`;
  return `<p style="margin:20px 0;padding:16px 12px;${TINTED};text-align:center;white-space:nowrap;${MONOSPACE};font-size:30px;line-height:1.2;font-weight:700;letter-spacing:.06em;-webkit-user-select:all;user-select:all">${groups}</p>`;
}

/** Writes a button, and the address itself for readers who cannot press a button. */
function htmlOfLink(given: string, label: string): string {
  const url = escapeHtml(given);
  return `<p style="margin:20px 0 12px"><a href="${url}" style="display:inline-block;padding:12px 24px;background:#1c5d99;border-radius:8px;color:#ffffff;font-weight:600;text-decoration:none">${escapeHtml(label)}</a></p>
<p style="margin:0 0 20px;font-size:13px;word-break:break-all"><a href="${url}">${url}</a></p>`;
}
