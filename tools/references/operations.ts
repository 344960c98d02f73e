import { createMetrics, type Registry } from "../../packages/server/src/platform/http/metrics.ts";
import { registerGauges } from "../../packages/server/src/process/gauges.ts";
import { createHousekeeping } from "../../packages/server/src/process/jobs.ts";
import { logEvents } from "../../packages/server/src/process/log-events.ts";
import type { Rules } from "../../packages/server/src/process/rules.ts";
import { auditEvents } from "../../packages/server/src/records/audit/events.ts";
import { logCalls } from "./log-calls.ts";
import { code, note, page, paragraphs, table } from "./markdown.ts";

export function auditPage(): string {
  return page(
    "Audit events",
    paragraphs(
      note("`packages/server/src/records/audit/events.ts`"),
      "Each event is one row of the audit log, written in the transaction of the change it reports, with the time, the actor, the user, the session, the client's address, the result and the id of the request. Superusers read them at `GET /v1/admin/audit`.",
    ),
    table(
      ["event", "meaning"],
      Object.entries(auditEvents).map(([event, meaning]) => [code(event), meaning]),
    ),
  );
}

interface Described {
  readonly name: string;
  readonly help: string;
  readonly kind: string;
}

/** The metrics of a server, as the format describes them and as its parts register them. */
async function metricsOfAServer(): Promise<readonly Described[]> {
  const text = await createMetrics().text();
  const own = [...text.matchAll(/^# HELP (\S+) (.+)\n# TYPE \1 (\w+)$/gm)].map(
    ([, name = "", help = "", kind = ""]) => ({ name, help, kind }),
  );
  const registered: Described[] = [];
  const registry: Registry = {
    gauge: ({ name, help }) => void registered.push({ name, help, kind: "gauge" }),
    labelled: (kind, { name, help }) => {
      registered.push({ name, help, kind });
      return { add: () => {}, set: () => {} };
    },
  };
  // Nothing of a server is read while its parts register.
  const server = { metrics: { registry } } as Rules;
  registerGauges(registry, server, () => ({ wallMilliseconds: 0, monotonicMilliseconds: 0 }));
  createHousekeeping(server);
  return [...own, ...registered].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export async function metricsPage(): Promise<string> {
  return page(
    "Metrics",
    paragraphs(
      note("the metrics that a server registers"),
      "`GET /metrics` answers in the Prometheus text format to callers who send the token in `PORTCULLIS_METRICS_TOKEN`; without that setting there is no such page. A metric describes the process that answers, unless it says otherwise.",
    ),
    table(
      ["metric", "type", "meaning"],
      (await metricsOfAServer()).map(({ name, kind, help }) => [code(name), kind, help]),
    ),
  );
}

export function logPage(): string {
  return page(
    "Log events",
    paragraphs(
      note("`packages/server/src/process/log-events.ts`"),
      "The log is one JSON object on each line of standard error, with `level`, `time`, `event` and the facts of the event. It never holds a password, a token or an e-mail address. `PORTCULLIS_LOG_LEVEL` sets the lowest level.",
    ),
    table(
      ["event", "levels", "meaning"],
      Object.entries(logEvents).map(([event, meaning]) => [
        code(event),
        [
          ...new Set(
            logCalls()
              .filter(({ name }) => name === event)
              .map(({ level }) => level),
          ),
        ]
          .map(code)
          .join(", "),
        meaning,
      ]),
    ),
  );
}
