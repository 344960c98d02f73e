import { z } from "zod";

/**
 * One setting. It is read from `PORTCULLIS_<env>`, or by its own name from the file of `--config`.
 */
export interface Setting<Value, Fallback extends string | undefined = string | undefined> {
  readonly env: string;
  /** Reads the text. The messages of its issues complete a sentence that begins "PORTCULLIS_X". */
  readonly parse: z.ZodType<Value, string>;
  /** The default, written as a user would write it. Undefined if there is none. */
  readonly fallback: Fallback;
  readonly about: string;
  readonly secret?: true;
}

export function setting<Value, const Fallback extends string | undefined>(
  definition: Setting<Value, Fallback>,
): Setting<Value, Fallback> {
  return definition;
}

export const text = z.string().min(1);

export function oneOf<const Options extends readonly [string, ...string[]]>(options: Options) {
  return z.enum(options, { error: `must be ${options.join(" or ")}` });
}

export function whole(atLeast: number, atMost: number) {
  const message = `must be a whole number from ${atLeast} to ${atMost}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .pipe(z.number().min(atLeast, message).max(atMost, message));
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Reads `30s`, `10m`, `12h` or `14d` as seconds. A number without a unit means seconds. */
export function duration(bounds: { readonly atLeast: string; readonly atMost: string }) {
  const message = `must be a duration from ${bounds.atLeast} to ${bounds.atMost}, such as 30s, 10m, 12h or 14d`;
  return z
    .string()
    .refine(
      (value) =>
        secondsOf(value) >= secondsOf(bounds.atLeast) &&
        secondsOf(value) <= secondsOf(bounds.atMost),
      message,
    )
    .transform(secondsOf);
}

/** Returns the seconds of a duration such as `12h`, or NaN if it cannot be read. */
export function secondsOf(value: string): number {
  const match = /^(\d{1,9})([smhd]?)$/.exec(value);
  return match === null ? Number.NaN : Number(match[1]) * (UNITS[match[2] || "s"] ?? Number.NaN);
}

export const list = z.string().transform((value) =>
  value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== ""),
);

export const httpUrl = z
  .string()
  .refine(
    (value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
    "must be an address such as https://accounts.example.com",
  )
  .transform((value) => value.replace(/\/+$/, ""));

export const onOff = oneOf(["on", "off"]).transform((value) => value === "on");

/** Reads a day (its beginning in UTC) or a day with a time, and returns Unix seconds. */
export const moment = z
  .string()
  .refine(isMoment, "must be a moment such as 2027-01-31 or 2027-01-31T12:00:00Z")
  .transform((value) => Date.parse(value) / 1000);

/** Refuses a day that its month does not have, which `Date` would read as one of the next month. */
function isMoment(value: string): boolean {
  if (!/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?$/.test(value)) return false;
  const milliseconds = Date.parse(value);
  return (
    !Number.isNaN(milliseconds) &&
    new Date(milliseconds).toISOString().startsWith(value.replace("Z", ""))
  );
}

/** Reads `off` as `undefined`, or else a value. */
export function offOr<Value>(parse: z.ZodType<Value, string>, message: string) {
  return z.union([z.literal("off").transform(() => undefined), parse], { error: message });
}
