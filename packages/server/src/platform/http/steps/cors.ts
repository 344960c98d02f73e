import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Cors, CorsSetting } from "../cors.ts";
import type { StepKind } from "./step.ts";

export interface CorsDeps {
  readonly cors: Cors;
  readonly clock: Clock;
  readonly log: Log;
}

/** Lets scripts of a listed origin read whatever the answer will be. */
export const shareWithOrigin: StepKind<CorsDeps> = {
  name: "share with origin",
  build: ({ cors }) => {
    if (!cors.enabled) return undefined;
    return (exchange) => {
      exchange.addedHeaders = cors.headers(exchange.header("origin"));
      return undefined;
    };
  },
};

/**
 * Answers the preflight of a listed origin, so that only its scripts can send what follows. The
 * browser tells its user nothing about a refusal, so the log does.
 */
export const answerPreflight: StepKind<CorsDeps> = {
  name: "answer preflight",
  build: ({ cors, log, clock }, { preflightMethods }) => {
    if (preflightMethods === undefined) return undefined;
    const warn = refusals(log, clock);
    return (exchange) => {
      if (exchange.request.method !== "OPTIONS") return undefined;
      const outcome = cors.preflight(
        {
          origin: exchange.header("origin"),
          method: exchange.header("access-control-request-method"),
          headers: exchange.header("access-control-request-headers"),
        },
        preflightMethods,
      );
      if (outcome.kind === "none") return undefined;
      if (outcome.kind === "refused") {
        warn(outcome.setting, { origin: plain(outcome.origin) });
        return undefined;
      }
      const { headers, missing } = outcome;
      if (missing !== undefined) warn("PORTCULLIS_ALLOWED_HEADERS", { header: plain(missing) });
      return { kind: "page", status: 204, body: null, headers };
    };
  },
};

const PAUSE_MILLISECONDS = 10_000;

/** Logs one refusal in ten seconds, so that strangers cannot fill the log. */
function refusals(
  log: Log,
  clock: Clock,
): (setting: CorsSetting, facts: Readonly<Record<string, string>>) => void {
  let loggedAt = -Infinity;
  return (setting, facts) => {
    const now = clock.monotonicMilliseconds();
    if (now - loggedAt < PAUSE_MILLISECONDS) return;
    loggedAt = now;
    log.warn("http.preflight_refused", { setting, ...facts });
  };
}

const MOST_LOGGED = 100;

/** Leaves out what no origin and no header name has, because a stranger chose the text. */
function plain(text: string): string {
  return text.replaceAll(/[^\w.:/[\]-]/g, "?").slice(0, MOST_LOGGED);
}
