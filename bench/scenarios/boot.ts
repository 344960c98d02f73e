import { setTimeout as pause } from "node:timers/promises";
import { median, type Bench, type Row, type Scenario } from "../bench.ts";
import { startPortcullis } from "../portcullis.ts";
import { memory, type Memory } from "../processes.ts";
import { milliseconds } from "../rounds.ts";
import { addUsers, seeded } from "../seed.ts";
import { judged, spreads } from "../spread.ts";

const USERS = 100_000;
const IDLE_MILLISECONDS = 3000;
const GOAL_MILLISECONDS = 1000;
const GOAL_MEGABYTES = 100;

/**
 * Measures the time from the start of the process to its "ready" line with 100,000 users embedded,
 * and its memory when it is idle.
 */
export const boot: Scenario = {
  name: "boot",
  run: async (bench: Bench): Promise<readonly Row[]> => {
    const dataDir = bench.folder("boot");
    await seeded(dataDir, (db) => addUsers(db, USERS));
    const starts: number[] = [];
    const idle: Memory[] = [];
    for (let round = 0; round < bench.options.rounds; round += 1) {
      const server = await startPortcullis({ dataDir, cores: "all" });
      starts.push(server.readyMilliseconds);
      await pause(IDLE_MILLISECONDS);
      idle.push(memory(server.pid));
      await server.stop();
    }
    return [startRow(starts), memoryRow(idle)];
  },
};

function startRow(starts: readonly number[]): Row {
  return {
    what: "start to ready, embedded, 100,000 users",
    portcullis: milliseconds(median(starts)),
    against: "",
    reference: "",
    result: "",
    spread: spreads(starts),
    goal: `≤ ${milliseconds(GOAL_MILLISECONDS)}`,
    verdict: judged(median(starts) <= GOAL_MILLISECONDS ? "pass" : "miss", starts),
    note: `worst of ${starts.length}: ${milliseconds(Math.max(...starts))}`,
  };
}

function memoryRow(idle: readonly Memory[]): Row {
  const proportional = idle.map(({ pssMegabytes }) => pssMegabytes);
  const resident = median(idle.map(({ rssMegabytes }) => rssMegabytes));
  return {
    what: "idle memory, all processes, shared pages counted once",
    portcullis: `${median(proportional).toFixed(0)} MB`,
    against: "",
    reference: "",
    result: "",
    spread: spreads(proportional),
    goal: `≤ ${GOAL_MEGABYTES} MB`,
    verdict: judged(median(proportional) <= GOAL_MEGABYTES ? "pass" : "miss", proportional),
    note: `${resident.toFixed(0)} MB resident; ${idle[0]?.processes ?? 0} processes, because hashing starts with the first password`,
  };
}
