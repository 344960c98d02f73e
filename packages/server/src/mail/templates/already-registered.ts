import { z } from "zod";
import { link, paragraph, template } from "./template.ts";

/** What a registered address gets instead of a code, so that the one who asked learns nothing. */
export const alreadyRegistered = template(z.strictObject({}), (_, { serviceName, publicUrl }) => ({
  subject: `You already have an account at ${serviceName}`,
  blocks: [
    paragraph(`Someone asked to register this address at ${serviceName}. It already has an account, so no new one was made.`),
    paragraph("If it was you, sign in instead. If you have forgotten your password, you can set a new one there."),
    link(publicUrl),
    paragraph("If it was not you, there is nothing to do."),
  ],
}));
