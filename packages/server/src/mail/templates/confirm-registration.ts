import { z } from "zod";
import { code, paragraph, template, validity } from "./template.ts";

export const confirmRegistration = template(
  z.strictObject({ code: z.string().regex(/^\d{8}$/), expiresAt: z.int() }),
  (data, { serviceName, now }) => ({
    subject: `Your code for ${serviceName}`,
    blocks: [
      paragraph(`To complete your registration at ${serviceName}, enter this code where you registered:`),
      code(data.code),
      paragraph(validity(data.expiresAt, now)),
      paragraph("We will never ask you for it. If you did not register, ignore this mail: without the code nothing happens."),
    ],
  }),
);
