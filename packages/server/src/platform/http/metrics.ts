import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Page } from "./page.ts";

/** Counts the answers of one endpoint. */
export interface Series {
  observe(status: number, milliseconds: number): void;
}

export interface Metrics {
  /** Other parts register their own metrics here. */
  readonly registry: Registry;
  series(endpoint: string): Series;
  /** Writes all figures in the text format of Prometheus. */
  text(): Promise<string>;
}

const BOUNDS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BOUNDS_MILLISECONDS = BOUNDS_SECONDS.map((bound) => bound * 1000);
const DURATIONS = "portcullis_http_request_duration_seconds";
const CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/**
 * Counts in typed arrays, which costs a few nanoseconds per request. The numbers become text only
 * when a scraper asks.
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

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** Is called for every scrape. */
  samples(): readonly Sample[] | Promise<readonly Sample[]>;
}

interface Sample {
  /** The name with a histogram's suffix, such as `_bucket`. Default: the name of the family. */
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}

type Labels = Readonly<Record<string, string | number>>;

interface Description {
  readonly name: string;
  readonly help: string;
}

/** A counter or a gauge with labels. */
export interface Labelled {
  add(labels: Labels, value: number): void;
  set(labels: Labels, value: number): void;
}

/** Lets other parts register figures of their own. */
export interface Registry {
  /** Registers a figure that is read whenever a scraper asks. */
  gauge(description: Description & { read(): number | Promise<number> }): void;
  /** Registers figures that are kept here, one for each combination of labels. */
  labelled(type: "counter" | "gauge", description: Description): Labelled;
}

function durationsOf(tally: Tally): readonly Sample[] {
  return CLASSES.flatMap((status, row) => {
    const count = tally.counts[row] ?? 0;
    if (count === 0) return [];
    const labels = { endpoint: tally.endpoint, status };
    const slots = tally.slots(row);
    let atMost = 0;
    const buckets = BOUNDS_SECONDS.map((le, i): Sample => {
      atMost += slots[i] ?? 0;
      return { metricName: `${DURATIONS}_bucket`, labels: { le, ...labels }, value: atMost };
    });
    return [
      ...buckets,
      { metricName: `${DURATIONS}_bucket`, labels: { le: "+Inf", ...labels }, value: count },
      { metricName: `${DURATIONS}_sum`, labels, value: tally.sums[row] ?? 0 },
      { metricName: `${DURATIONS}_count`, labels, value: count },
    ];
  });
}

function countsOf(tally: Tally): readonly Sample[] {
  return CLASSES.flatMap((status, row) => {
    const value = tally.counts[row] ?? 0;
    return value === 0 ? [] : [{ labels: { endpoint: tally.endpoint, status }, value }];
  });
}

export function createMetrics(): Metrics {
  const families: Family[] = [];
  const tallies = new Map<string, Tally>();
  const ofAll = (read: (tally: Tally) => readonly Sample[]) => () =>
    [...tallies.values()].flatMap(read);
  families.push(
    {
      name: "portcullis_http_requests_total",
      help: "Answers by endpoint and status class.",
      type: "counter",
      samples: ofAll(countsOf),
    },
    {
      name: DURATIONS,
      help: "Time from the arrival of a request's headers to its answer.",
      type: "histogram",
      samples: ofAll(durationsOf),
    },
  );
  const registry = registryOf(families);
  observeProcess(registry);

  return {
    registry,
    series: (endpoint) => {
      const tally = tallies.get(endpoint) ?? new Tally(endpoint);
      tallies.set(endpoint, tally);
      return tally;
    },
    text: () => textOf(families),
  };
}

function registryOf(families: Family[]): Registry {
  /** @throws {Error} if the name is taken: a scraper refuses a page that has a name twice */
  const register = (family: Family): void => {
    if (families.some(({ name }) => name === family.name))
      throw new Error(`the figure ${family.name} is registered already`);
    families.push(family);
  };
  return {
    gauge: ({ read, ...description }) =>
      register({
        ...description,
        type: "gauge",
        samples: async () => [{ labels: {}, value: await read() }],
      }),
    labelled: (type, description) => {
      const kept = new Map<string, Sample>();
      const put = (labels: Labels, change: (value: number) => number): void => {
        const key = JSON.stringify(labels);
        kept.set(key, { labels, value: change(kept.get(key)?.value ?? 0) });
      };
      register({ ...description, type, samples: () => [...kept.values()] });
      return {
        add: (labels, value) => put(labels, (before) => before + value),
        set: (labels, value) => put(labels, () => value),
      };
    },
  };
}

/** Version 0.0.4 of https://prometheus.io/docs/instrumenting/exposition_formats/. */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * The library is loaded by the first scrape, because a server that is never scraped does not need
 * its 88 modules. It takes figures that were counted elsewhere if they have the form of its
 * `getMetricsAsJSON`; `aggregate` is made for the figures of worker processes.
 */
async function textOf(families: readonly Family[]): Promise<string> {
  const figures = families.map(async (family) => {
    const { name, help, type } = family;
    return { name, help, type, values: await family.samples(), aggregator: "sum" };
  });
  const { AggregatorRegistry } = await import("prom-client");
  return AggregatorRegistry.aggregate([await Promise.all(figures)]).metrics();
}

function observeProcess(registry: Registry): void {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  registry.gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory.",
    read: () => process.memoryUsage.rss(),
  });
  registry.gauge({
    name: "process_heap_bytes",
    help: "Used JavaScript heap.",
    read: () => process.memoryUsage().heapUsed,
  });
  registry.gauge({
    name: "process_cpu_seconds_total",
    help: "Processor time, user and system.",
    read: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  });
  registry.gauge({
    name: "process_uptime_seconds",
    help: "Time since the process started.",
    read: () => process.uptime(),
  });
  registry.gauge({
    name: "process_event_loop_delay_p99_seconds",
    help: "99th percentile of the event loop's delay since the last scrape.",
    read: () => {
      const seconds = delay.percentile(99) / 1e9;
      delay.reset();
      return seconds;
    },
  });
}

/**
 * Serves `GET /metrics` if `guard` accepts the Authorization header. Otherwise the page does not
 * seem to exist (HD-04).
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
        headers: { "content-type": CONTENT_TYPE },
      };
    },
  };
}
