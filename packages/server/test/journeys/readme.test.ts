import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startServer, type ServerProcess } from "../process.ts";
import { stepsOf, walk } from "../walk.ts";

async function served(
  story: (at: { readonly folder: string; readonly server: ServerProcess }) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-walk-"));
  const server = await startServer({ PORTCULLIS_DATA_DIR: join(folder, "data") });
  try {
    await story({ folder, server });
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

test("the walk-through of the README prints what the README shows", async () => {
  const steps = stepsOf("README.md");
  assert.ok(steps.length >= 6);
  await served(async ({ folder, server }) => {
    const printed = await walk(steps, { folder, url: server.url });
    assert.deepEqual(
      printed,
      steps.map((step) => step.printed),
    );
  });
});

test("the page about second factors prints what it shows, to a superuser by the setup link and to the README's Anna", async () => {
  const joining = stepsOf("README.md").slice(0, 2);
  const steps = stepsOf("docs/second-factors.md");
  assert.ok(steps.length >= 6);
  await served(async ({ folder, server }) => {
    const link = /\/setup#(\S+)/;
    while (!link.test(server.said.stdout)) await new Promise((resolve) => setTimeout(resolve, 10));
    const root = {
      setupToken: link.exec(server.said.stdout)?.[1],
      email: "root@example.com",
      password: "nine grey geese fly",
    };
    const headers = { "content-type": "application/json" };
    const made = await fetch(`${server.url}/v1/setup`, {
      method: "POST",
      headers,
      body: JSON.stringify(root),
    });
    assert.equal(made.status, 201, await made.text());

    const printed = await walk([...joining, ...steps], { folder, url: server.url });
    assert.deepEqual(
      printed.slice(joining.length),
      steps.map((step) => step.printed),
    );
  });
});
