import assert from "node:assert/strict";
import { join } from "node:path";
import { checkChain } from "../../../records/audit/check.ts";
import { record } from "../../../records/audit/audit.ts";
import { pruneAudit } from "../../../records/audit/retention.ts";
import { databaseFile, readConfig } from "../../config.ts";
import { openDatabase } from "../../../platform/db/open.ts";
import { eachDatabase } from "../../../platform/db/testing.ts";
import { manualClock } from "../../../platform/kernel/clock.ts";
import { silentLog } from "../../../platform/kernel/log.ts";
import { systemRandom } from "../../../platform/kernel/random.ts";
import { openKeyring } from "../../master-secret.ts";
import { deploymentOn, done, folder, freshDeployment } from "../testing.ts";

const DAY = 86_400;

eachDatabase(
  "AU-02: an audit that was cut back to its retention is whole after a backup and its restoration",
  async (target) => {
    const [from, to] = [freshDeployment(), deploymentOn(target)];
    await done(from, "migrate");
    const config = readConfig(from);
    const deps = { clock: manualClock(20_000 * DAY), keyring: openKeyring(config, systemRandom) };
    const source = await openDatabase({ file: databaseFile(config), log: silentLog });
    for (let day = 0; day < 40; day += 1) {
      await source.db
        .transaction()
        .execute(async (tx) =>
          record(tx, deps, { event: "session.opened", actor: { kind: "system" } }),
        );
      deps.clock.advance(DAY);
    }
    const pruned = await pruneAudit(source.db, deps, 30 * DAY, 1000);
    assert.ok(pruned > 0);
    await source.close();

    const file = join(folder(), "backup.gz");
    await done(from, "backup", file);
    await done(to, "restore", file);
    assert.match(await done(to, "doctor"), /^ok +audit/m);
    const opened = to["PORTCULLIS_DATABASE_URL"] === undefined;
    const restored = opened
      ? await openDatabase({ file: databaseFile(readConfig(to)), log: silentLog })
      : target;
    try {
      const checked = await checkChain(restored.db, deps.keyring);
      assert.ok(checked.kind === "intact" && checked.pruned === pruned, JSON.stringify(checked));
      await restored.db
        .updateTable("audit_head")
        .set({ pruned_position: 0, pruned_mac: "" })
        .execute();
      assert.deepEqual(await checkChain(restored.db, deps.keyring), {
        kind: "broken",
        position: 1,
        problem: "missing",
      });
    } finally {
      if (opened) await restored.close();
    }
  },
);
