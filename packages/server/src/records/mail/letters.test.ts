import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { composeRules } from "../../process/compose.ts";
import { ConfigError } from "../../process/config.ts";
import { codeIn, confirm, latestMail, linkIn, register, tokenIn } from "../../../test/steps.ts";
import { eachWorld, publicUrl } from "../../../test/world.ts";

const directory = mkdtempSync(join(tmpdir(), "portcullis-letters-"));
after(() => rmSync(directory, { recursive: true }));
mkdirSync(join(directory, "fr"));
writeFileSync(
  join(directory, "fr", "confirm_registration.txt"),
  "Subject: Votre code pour {{serviceName}}\n\nVotre code :\n\n    {{code}}\n\nOu ce lien :\n\n    {{link}}\n",
);

eachWorld(
  "mail is written in the language that was asked for, or else in the operator's, and in the operator's words if there are some",
  async (world) => {
    for (const [locale, subject] of [
      ["fr-CA", "Votre code pour Acme"],
      ["en-GB", "Your code for Acme"],
      ["nl", "Ihr Code für Acme"],
      [undefined, "Ihr Code für Acme"],
    ] as const) {
      const email = `${locale ?? "none"}@example.com`;
      const pending = await register(world, email, locale === undefined ? {} : { locale });
      const mail = await latestMail(world, email);
      assert.equal(mail.subject, subject);
      assert.equal(linkIn(mail, "/confirm"), `${publicUrl}/confirm#${tokenIn(mail)}`);
      assert.equal((await confirm(world, pending.body, codeIn(mail))).status, 201);
    }
  },
  {
    PORTCULLIS_MAIL_LOCALE: "de",
    PORTCULLIS_MAIL_TEMPLATES: directory,
    PORTCULLIS_SERVICE_NAME: "Acme",
  },
);

eachWorld(
  "a server does not start with templates or a language it cannot write mail with",
  async ({ parts }) => {
    const composed = async (change: object) =>
      composeRules({ ...parts, config: { ...parts.config, ...change } });
    const nowhere = composed({ mailTemplates: join(directory, "fr") });
    await assert.rejects(nowhere, (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(
        error.message,
        /^PORTCULLIS_MAIL_TEMPLATES: confirm_registration\.txt is not a language: .* pt-BR\.$/,
      );
      return true;
    });
    await assert.rejects(
      composed({ mailLocale: "fr" }),
      /^ConfigError: PORTCULLIS_MAIL_LOCALE: there are no templates in fr: .*\.$/,
    );
    await composed({ mailLocale: "fr", mailTemplates: directory });
  },
);

eachWorld("the letters are shown in development", async (world) => {
  assert.equal((await world.request("GET", "/dev/mails")).status, 200);
  assert.equal((await world.request("GET", "/dev/mails/de/test/html")).status, 200);
});

const production = {
  PORTCULLIS_MODE: "production",
  PORTCULLIS_PUBLIC_URL: publicUrl,
  PORTCULLIS_MAIL: `dir:${join(directory, "sent")}`,
} as const;

eachWorld(
  "neither letters nor mailbox are shown in production",
  async (world) => {
    for (const path of [
      "/dev/mails",
      "/dev/mails/de/test",
      "/dev/mails/de/test/html",
      "/dev/mailbox",
    ])
      assert.equal((await world.request("GET", path)).status, 404, path);
  },
  production,
);
