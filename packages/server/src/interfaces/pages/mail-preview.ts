import type { Page } from "../../platform/http/page.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { devLetter, devPage } from "./development.ts";
import type { Letter } from "../../records/mail/templates/letter.ts";
import type { Letters } from "../../records/mail/templates/templates.ts";
import { escapeHtml } from "../../records/mail/templates/text.ts";

/** Serves `/dev/mails`: every letter in every language, filled with samples. */
export function previewPages({
  letters,
  random,
}: {
  readonly letters: Letters;
  readonly random: Random;
}): readonly Page[] {
  const find = (params: Readonly<Record<string, string>>): Letter | undefined => {
    const locale = letters.locales.find((one) => one === params["locale"]);
    const name = letters.names.find((one) => one === params["template"]);
    return locale === undefined || name === undefined
      ? undefined
      : letters.writeSample(name, locale);
  };

  const rowOf = (name: string): string => {
    const links = letters.locales.map(
      (locale) =>
        `<a href="mails/${escapeHtml(locale)}/${name}" lang="${escapeHtml(locale)}">${escapeHtml(letters.writeSample(name, locale).subject)}</a> (${escapeHtml(locale)})`,
    );
    return `<tr><th scope="row">${name}</th><td>${links.join("<br>\n")}</td></tr>`;
  };
  const list = (): string => `<h1>Letters</h1>
<p>Development only: every mail in every language, filled with samples. Where a language has none of its own, the one sent instead.</p>
<table>
${letters.names.map(rowOf).join("\n")}
</table>`;

  return [
    devPage(random, {
      name: "mails",
      path: "/dev/mails",
      show: () => ({ title: "Letters", body: list() }),
    }),
    devPage(random, {
      name: "mail",
      path: "/dev/mails/{locale}/{template}",
      show: (params) => {
        const letter = find(params);
        return letter === undefined
          ? undefined
          : { title: letter.subject, body: bodyOf(letter, params["template"] ?? "") };
      },
    }),
    devLetter(
      { name: "mailHtml", path: "/dev/mails/{locale}/{template}/html" },
      (params) => find(params)?.html,
    ),
  ];
}

function bodyOf({ subject, text }: Letter, template: string): string {
  const frame = `${escapeHtml(template)}/html`;
  return `<p><a href="../../mails">All letters</a></p>
<h1>${escapeHtml(subject)}</h1>
<iframe src="${frame}" sandbox title="HTML"></iframe>
<p><a href="${frame}">HTML in a window of its own</a></p>
<h2>Text</h2>
<pre>${escapeHtml(text)}</pre>`;
}
