import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "./metrics.ts";

/** Leaves out the figures of this process, which change all the time. */
async function ownFigures({ text }: ReturnType<typeof createMetrics>): Promise<readonly string[]> {
  return (await text()).split("\n").filter((line) => !/\bprocess_/.test(line));
}

test("figures are written as the text format has them, with labels and texts escaped", async () => {
  const metrics = createMetrics();
  const runs = metrics.registry.labelled("counter", { name: "runs_total", help: "A \\ B\nC." });
  runs.add({ job: 'q"\\\n', result: "done" }, 2.5);
  runs.add({ job: 'q"\\\n', result: "done" }, 1);
  runs.add({ job: "z", result: "failed" }, 1);
  const last = metrics.registry.labelled("gauge", { name: "last", help: "L." });
  last.set({ job: "z" }, 5);
  last.set({ job: "z" }, 4);
  let asked = 0;
  metrics.registry.gauge({ name: "asked", help: "G.", read: async () => (asked += 1) });
  metrics.registry.gauge({ name: "endless", help: "E.", read: () => -Infinity });

  for (const count of [1, 2]) {
    const lines = await ownFigures(metrics);
    assert.deepEqual(lines.slice(lines.indexOf("# TYPE runs_total counter") - 1), [
      "# HELP runs_total A \\\\ B\\nC.",
      "# TYPE runs_total counter",
      'runs_total{job="q\\"\\\\\\n",result="done"} 3.5',
      'runs_total{job="z",result="failed"} 1',
      "",
      "# HELP last L.",
      "# TYPE last gauge",
      'last{job="z"} 4',
      "",
      "# HELP asked G.",
      "# TYPE asked gauge",
      `asked ${count}`,
      "",
      "# HELP endless E.",
      "# TYPE endless gauge",
      "endless -Inf",
      "",
    ]);
  }
});

test("requests are counted by endpoint and class, and their durations fall into buckets", async () => {
  const metrics = createMetrics();
  const signIn = metrics.series("signIn");
  signIn.observe(201, 3.2);
  signIn.observe(200, 20_000);
  metrics.series("signIn").observe(404, 1);
  metrics.series("unused");

  const lines = await ownFigures(metrics);
  const labels = 'endpoint="signIn",status="2xx"';
  const name = "portcullis_http_request_duration_seconds";
  for (const line of [
    `portcullis_http_requests_total{${labels}} 2`,
    'portcullis_http_requests_total{endpoint="signIn",status="4xx"} 1',
    `# TYPE ${name} histogram`,
    `${name}_bucket{le="0.0025",${labels}} 0`,
    `${name}_bucket{le="0.005",${labels}} 1`,
    `${name}_bucket{le="10",${labels}} 1`,
    `${name}_bucket{le="+Inf",${labels}} 2`,
    `${name}_sum{${labels}} 20.0032`,
    `${name}_count{${labels}} 2`,
    `${name}_bucket{le="0.001",endpoint="signIn",status="4xx"} 1`,
  ])
    assert.ok(lines.includes(line), `${line}\nis none of\n${lines.join("\n")}`);
  assert.ok(!lines.some((line) => line.includes("unused")));
});

test("a name is registered once, because a scraper refuses a page that has it twice", () => {
  const { registry } = createMetrics();
  registry.gauge({ name: "once", help: "O.", read: () => 1 });
  assert.throws(() => registry.labelled("counter", { name: "once", help: "O." }), /once/);
  assert.throws(() => registry.gauge({ name: "process_heap_bytes", help: "H.", read: () => 1 }));
});
