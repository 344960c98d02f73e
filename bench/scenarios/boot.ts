import { setTimeout as pause } from "node:timers/promises";
import { median, type Bench, type Row, type Scenario } from "../bench.ts";
import { startPortcullis } from "../portcullis.ts";
import { memory, type Memory } from "../processes.ts";
import { milliseconds } from "../rounds.ts";
import { addUsers, seeded } from "../seed.ts";

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
    let idle: Memory = { rssMegabytes: 0, pssMegabytes: 0, processes: 0 };
    for (let round = 0; round < bench.options.rounds; round += 1) {
      const server = await startPortcullis({ dataDir, cores: "all" });
      starts.push(server.readyMilliseconds);
      await pause(IDLE_MILLISECONDS);
      idle = memory(server.pid);
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
    goal: `≤ ${milliseconds(GOAL_MILLISECONDS)}`,
    verdict: median(starts) <= GOAL_MILLISECONDS ? "pass" : "miss",
    note: `worst of ${starts.length}: ${milliseconds(Math.max(...starts))}`,
  };
}

function memoryRow(idle: Memory): Row {
  return {
    what: "idle memory, all processes",
    portcullis: `${idle.rssMegabytes.toFixed(0)} MB`,
    against: "",
    reference: "",
    result: "",
    goal: `≤ ${GOAL_MEGABYTES} MB`,
    verdict: idle.rssMegabytes <= GOAL_MEGABYTES ? "pass" : "miss",
    note: `resident, ${idle.processes} processes, pages they share counted in each; ${idle.pssMegabytes.toFixed(0)} MB with shared pages counted once`,
  };
}
