import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const recordings = join(import.meta.dirname, "recordings");
const originals =
  process.env["CONTRACTS"] ?? join(import.meta.dirname, "../../../../../shared/contracts");

test(
  "the recordings are the originals, byte for byte",
  { skip: !existsSync(originals) && "the originals are not here" },
  () => {
    const names = readdirSync(originals).toSorted();
    assert.deepEqual(readdirSync(recordings).toSorted(), names);
    for (const name of names)
      assert.ok(
        readFileSync(join(originals, name)).equals(readFileSync(join(recordings, name))),
        name,
      );
  },
);
