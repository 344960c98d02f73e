import { contents } from "../contents.ts";
import { paragraph } from "../letter.ts";
import { nothingElse, template } from "../template.ts";

export const testMail = template(contents.test, nothingElse, {
  en: (f) => ({
    subject: `Test mail from ${f.serviceName}`,
    blocks: [
      paragraph(`This is a test. ${f.serviceName} can send mail, and it has arrived.`),
      paragraph(`Links in mail begin with ${f.publicUrl}.`),
    ],
  }),
  de: (f) => ({
    subject: `Test-E-Mail von ${f.serviceName}`,
    blocks: [
      paragraph(
        `Das ist ein Test. ${f.serviceName} kann E-Mails versenden, und diese ist angekommen.`,
      ),
      paragraph(`Links in E-Mails beginnen mit ${f.publicUrl}.`),
    ],
  }),
});
