import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Page } from "./page.ts";

/** Counts the answers of one endpoint. */
export interface Series {
  observe(status: number, milliseconds: number): void;
}

export interface Metrics {
  /** Other parts register their own metrics here. */
  readonly registry: Registry;
  series(endpoint: string): Series;
  /** The registry in the Prometheus text format. */
  text(): Promise<string>;
}

const BOUNDS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BOUNDS_MILLISECONDS = BOUNDS_SECONDS.map((bound) => bound * 1000);
const CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const LABELS = ["endpoint", "status"];

/**
 * Plain numbers in typed arrays, a few nanoseconds per request; prom-client sees them when it is
 * asked.
 */
class Tally implements Series {
  readonly endpoint: string;
  readonly counts = new Float64Array(CLASSES.length);
  readonly sums = new Float64Array(CLASSES.length);
  readonly #slots = new Float64Array(CLASSES.length * (BOUNDS_SECONDS.length + 1));

  constructor(endpoint: string) {
    this.endpoint = endpoint;
  }

  observe(status: number, milliseconds: number): void {
    const row = Math.floor(status / 100) - 1;
    let slot = 0;
    while (
      slot < BOUNDS_MILLISECONDS.length &&
      milliseconds > (BOUNDS_MILLISECONDS[slot] ?? Infinity)
    )
      slot += 1;
    this.counts[row] = (this.counts[row] ?? 0) + 1;
    this.sums[row] = (this.sums[row] ?? 0) + milliseconds / 1000;
    const at = row * (BOUNDS_SECONDS.length + 1) + slot;
    this.#slots[at] = (this.#slots[at] ?? 0) + 1;
  }

  slots(row: number): readonly number[] {
    const width = BOUNDS_SECONDS.length + 1;
    return [...this.#slots.subarray(row * width, (row + 1) * width)];
  }
}

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly sharedLabels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

const DURATIONS = {
  name: "portcullis_http_request_duration_seconds",
  help: "Time from the arrival of a request's headers to its answer.",
};

/**
 * A histogram that reads the tallies instead of being told each observation; the registry asks by
 * this method's name.
 */
class Durations extends Histogram {
  readonly #tallies: Iterable<Tally>;

  constructor(registry: Registry, tallies: Iterable<Tally>) {
    super({ ...DURATIONS, labelNames: LABELS, buckets: BOUNDS_SECONDS, registers: [registry] });
    this.#tallies = tallies;
  }

  async getForPromString(): Promise<object> {
    const values = [...this.#tallies].flatMap((tally) =>
      CLASSES.flatMap((status, row) => samples(tally, status, row)),
    );
    return { ...DURATIONS, type: "histogram", aggregator: "sum", values };
  }
}

function samples(tally: Tally, status: string, row: number): readonly Sample[] {
  const count = tally.counts[row] ?? 0;
  if (count === 0) return [];
  const sharedLabels = { endpoint: tally.endpoint, status };
  const sample = (suffix: string, labels: Sample["labels"], value: number): Sample => ({
    metricName: `${DURATIONS.name}_${suffix}`,
    labels,
    sharedLabels,
    value,
  });
  const slots = tally.slots(row);
  return [
    ...BOUNDS_SECONDS.map((le, i) =>
      sample(
        "bucket",
        { le },
        slots.slice(0, i + 1).reduce((a, b) => a + b, 0),
      ),
    ),
    sample("bucket", { le: "+Inf" }, count),
    sample("sum", {}, tally.sums[row] ?? 0),
    sample("count", {}, count),
  ];
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const tallies = new Map<string, Tally>();

  new Counter({
    name: "portcullis_http_requests_total",
    help: "Answers by endpoint and status class.",
    labelNames: LABELS,
    registers: [registry],
    collect() {
      this.reset();
      for (const tally of tallies.values())
        CLASSES.forEach((status, row) => {
          const count = tally.counts[row] ?? 0;
          if (count > 0) this.inc({ endpoint: tally.endpoint, status }, count);
        });
    },
  });
  new Durations(registry, { [Symbol.iterator]: () => tallies.values() });
  observeProcess(registry);

  return {
    registry,
    series: (endpoint) => {
      const tally = tallies.get(endpoint) ?? new Tally(endpoint);
      tallies.set(endpoint, tally);
      return tally;
    },
    text: async () => registry.metrics(),
  };
}

function observeProcess(registry: Registry): void {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  };
  gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss());
  gauge("process_heap_bytes", "Used JavaScript heap.", () => process.memoryUsage().heapUsed);
  gauge("process_cpu_seconds_total", "Processor time, user and system.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  gauge("process_uptime_seconds", "Time since the process started.", () => process.uptime());
  gauge(
    "process_event_loop_delay_p99_seconds",
    "99th percentile of the event loop's delay since the last scrape.",
    () => {
      const seconds = delay.percentile(99) / 1e9;
      delay.reset();
      return seconds;
    },
  );
}

/**
 * `GET /metrics` for those whom `guard` admits by their Authorization header; for others there is
 * nothing there (HD-04).
 */
export function metricsPage(
  metrics: Metrics,
  guard: (authorization: string | undefined) => boolean,
): Page {
  return {
    name: "metrics",
    method: "GET",
    path: "/metrics",
    visit: async ({ header }) => {
      if (!guard(header("authorization"))) return { kind: "not_found" };
      return {
        kind: "page",
        status: 200,
        body: await metrics.text(),
        headers: { "content-type": metrics.registry.contentType },
      };
    },
  };
}
