import { z } from "zod";
import type { UnixSeconds } from "../../../platform/kernel/clock.ts";

/** The moment at which the samples are written. */
export const sampleMoment: UnixSeconds = 1_800_000_000;

const moment = z.int();
const token = z.string().regex(/^[\w-]{20,128}$/);
const code = {
  code: z.string().regex(/^\d{8}$/),
  /** When the code expires. */
  expiresAt: moment,
};

const sampleCode = { code: "01234567", expiresAt: sampleMoment + 600 };
const sampleToken = "sample-Zq3vN8xKw1Yd7Tr5Hm2Jb9Lc4Pf6Gs0Ua-Ej";

const mailedCode = {
  data: z.strictObject({ ...code, token, linkExpiresAt: moment }),
  sample: { ...sampleCode, token: sampleToken, linkExpiresAt: sampleMoment + 86_400 },
};

/** Tells from where a request came: the address, and the name that the client gave itself. */
const client = { at: moment, address: z.string(), userAgent: z.string() };
const sampleClient = {
  at: sampleMoment - 60,
  address: "192.0.2.17",
  userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
};
const ofClient = { data: z.strictObject(client), sample: sampleClient };

const ofFactor = {
  data: z.strictObject({ at: moment, factor: z.string() }),
  sample: { at: sampleMoment - 60, factor: "totp" },
};

const empty = { data: z.strictObject({}), sample: {} };

/** The data that each built-in letter is filled with, and a sample of it. */
export const contents = {
  confirm_registration: mailedCode,
  already_registered: empty,
  password_reset: {
    ...mailedCode,
    sample: { ...mailedCode.sample, linkExpiresAt: sampleMoment + 1800 },
  },
  confirm_email: mailedCode,
  /** Goes to the owner of an address that another user wanted to change theirs to. */
  email_in_use: empty,
  /** Goes to the old address, with a link that undoes the change. */
  email_changed: {
    data: z.strictObject({ at: moment, token, linkExpiresAt: moment }),
    sample: {
      at: sampleMoment - 60,
      token: sampleToken,
      linkExpiresAt: sampleMoment + 3 * 86_400,
    },
  },
  password_changed: {
    data: z.strictObject({ at: moment }),
    sample: { at: sampleMoment - 60 },
  },
  new_device: ofClient,
  refresh_reused: ofClient,
  factor_added: ofFactor,
  factor_removed: ofFactor,
  /** Tells of the right password followed by a wrong second factor. */
  second_factor_failed: ofClient,
  second_factor_code: {
    data: z.strictObject({ ...code, ...client }),
    sample: {
      ...sampleClient,
      ...sampleCode,
      at: sampleMoment,
      expiresAt: sampleMoment + 300,
    },
  },
  /** Goes to an operator who asks whether mail arrives. */
  test: empty,
};
