import type { Clock } from "../../platform/kernel/clock.ts";

export interface Progress {
  advance(count: number): void;
  end(): void;
}

const EVERY_MILLISECONDS = 200;

/** Shows one line that is overwritten again and again on a terminal. Elsewhere it shows nothing. */
export function showProgress(
  { clock }: { readonly clock: Clock },
  what: string,
  total: number,
): Progress {
  if (!process.stderr.isTTY) return { advance: () => {}, end: () => {} };
  const begun = clock.monotonicMilliseconds();
  let done = 0;
  let shown = Number.NEGATIVE_INFINITY;
  return {
    advance: (count) => {
      done += count;
      const now = clock.monotonicMilliseconds();
      if (now - shown < EVERY_MILLISECONDS) return;
      shown = now;
      const perSecond = Math.round(done / Math.max((now - begun) / 1000, 0.001));
      process.stderr.write(
        `\r\x1b[K${what} ${bar(done / Math.max(total, 1))} ${grouped(done)} of ${grouped(total)}, ${grouped(perSecond)} a second`,
      );
    },
    end: () => void process.stderr.write("\r\x1b[K"),
  };
}

const WIDTH = 24;

function bar(share: number): string {
  const full = Math.min(Math.round(share * WIDTH), WIDTH);
  return `[${"#".repeat(full)}${".".repeat(WIDTH - full)}]`;
}

export function grouped(number: number): string {
  return number.toLocaleString("en");
}
