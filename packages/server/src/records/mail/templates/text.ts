export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/**
 * Replaces line breaks and other control characters by spaces, so that a header cannot begin
 * another one (IN-12).
 */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ").trim();
}

const QUOTED_CHARACTERS = 120;

/**
 * Makes a text that a stranger may have written safe to show. It becomes one line and is cut.
 * Invisible characters and those that change the direction of others are removed (IN-12), and
 * nothing in it is left that a mail program would make a link of (RG-13).
 */
export function quoted(text: string): string {
  const visible = oneLine(text.toWellFormed())
    .replaceAll(/\p{Cf}/gu, "")
    .replaceAll(/:\/\/|\.(?=\p{L})/gu, (mark) => `${mark} `);
  const characters = [...visible];
  return characters.length <= QUOTED_CHARACTERS
    ? visible
    : `${characters.slice(0, QUOTED_CHARACTERS - 1).join("")}…`;
}

const URLS = /(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]}])/;

/** Returns HTML in which the addresses that `mayLink` allows can be clicked. */
export function linked(text: string, mayLink: (url: string) => boolean = () => true): string {
  return text
    .split(URLS)
    .map((part, index) => {
      const escaped = escapeHtml(part);
      return index % 2 === 1 && mayLink(part) ? `<a href="${escaped}">${escaped}</a>` : escaped;
    })
    .join("");
}
