import { z } from "zod";
import { code, paragraph, template, validity } from "./template.ts";

export const passwordReset = template(
  z.strictObject({
    code: z.string().regex(/^\d{8}$/),
    token: z.string().regex(/^[\w.~-]{20,128}$/),
    expiresAt: z.int(),
  }),
  (data, { serviceName, now }) => ({
    subject: `Set a new password at ${serviceName}`,
    blocks: [
      paragraph(`To set a new password at ${serviceName}, enter this code where you asked for it:`),
      code(data.code),
      paragraph(validity(data.expiresAt, now)),
      paragraph("Where you are asked for a long code instead, use this one:"),
      code(data.token),
      paragraph("We will never ask you for either. If you did not ask for a new password, ignore this mail: yours stays as it is."),
    ],
  }),
);
