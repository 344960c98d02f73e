import { json } from "node:stream/consumers";
import { authenticator, totpCode } from "./authenticators.ts";
import {
  clientAddress,
  encode,
  member,
  openConnection,
  part,
  type Answer,
  type Connection,
  type Wire,
} from "./connection.ts";
import type { Load, Plan, RefreshWork, Second, TwoStepWork, Work } from "./plan.ts";

/** Decides what one connection sends next, and reads the answers. */
interface Lane {
  next(): Uint8Array | undefined;
  /** Returns the next request of the same exchange, if there is one. */
  heard(answer: Answer): Uint8Array | undefined;
}

// The plan is the JSON of our own runner, one document on standard input.
const plan = (await json(process.stdin)) as Plan;
const origin = new URL(plan.origin);
const latencies: number[] = [];
const turnedAway: number[] = [];
const statuses: Record<string, number> = {};
const tokens = plan.work.kind === "refresh" ? [...plan.work.tokens] : [];
const collected: string[] = [];
let unsent = 0;

const lanes = lanesOf(plan.work);
const connections = lanes.map((_, index) =>
  openConnection(origin, plan.manyClients === true ? clientAddress(index) : undefined),
);
const cpuBefore = process.cpuUsage();
const startedAt = performance.now();
const endsAt = startedAt + plan.seconds * 1000;
await (plan.perSecond === undefined ? closedLoop() : openLoop(plan.perSecond));
const seconds = (performance.now() - startedAt) / 1000;
const cpu = process.cpuUsage(cpuBefore);
for (const connection of connections) connection.close();

const load: Load = {
  perSecond: latencies.length / seconds,
  p50: percentile(latencies, 0.5),
  p99: percentile(latencies, 0.99),
  max: percentile(latencies, 1),
  turnedAwayP99: percentile(turnedAway, 0.99),
  statuses,
  unsent,
  generatorCores: (cpu.user + cpu.system) / 1e6 / seconds,
  tokens,
  collected,
};
process.stdout.write(JSON.stringify(load));

async function closedLoop(): Promise<void> {
  await Promise.all(
    lanes.map(async (lane, index) => {
      const connection = at(connections, index);
      while (performance.now() < endsAt && (await exchange(lane, connection)));
    }),
  );
}

/** A timer of 1 ms sends the due requests on idle connections. */
async function openLoop(perSecond: number): Promise<void> {
  const idle = connections.map((_, index) => index);
  const running = new Set<Promise<unknown>>();
  let due = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now();
      const target = Math.floor(((Math.min(now, endsAt) - startedAt) / 1000) * perSecond);
      for (; due < target; due += 1) {
        const index = idle.pop();
        if (index === undefined) unsent += 1;
        else start(index);
      }
      if (now < endsAt) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  await Promise.all(running);

  function start(index: number): void {
    const done = exchange(at(lanes, index), at(connections, index)).finally(() => {
      idle.push(index);
      running.delete(done);
    });
    running.add(done);
  }
}

async function exchange(lane: Lane, connection: Connection): Promise<boolean> {
  const request = lane.next();
  if (request === undefined) return false;
  const sentAt = performance.now();
  try {
    let answer = await connection.send(request);
    for (let then = lane.heard(answer); then !== undefined; then = lane.heard(answer))
      answer = await connection.send(then);
    const milliseconds = performance.now() - sentAt;
    latencies.push(milliseconds);
    if (answer.status === 429 || answer.status === 503) turnedAway.push(milliseconds);
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    return true;
  } catch {
    statuses["0"] = (statuses["0"] ?? 0) + 1;
    return (statuses["0"] ?? 0) < 1000;
  }
}

function lanesOf(work: Work): readonly Lane[] {
  const indexes = Array.from({ length: plan.connections }, (_, index) => index);
  if (work.kind === "refresh") return indexes.map((index) => refreshLane(work, index));
  if (work.kind === "two-step") return twoStepLanes(work, indexes.length);
  const requests = work.requests.map((wire) => encode(origin.host, wire));
  if (work.kind === "cycle") return indexes.map((index) => cycleLane(requests, index));
  return indexes.map(() => ({ next: () => requests.pop(), heard: () => undefined }));
}

function cycleLane(requests: readonly Uint8Array[], index: number): Lane {
  let turn = index;
  return { next: () => requests[turn++ % requests.length], heard: () => undefined };
}

function refreshLane(work: RefreshWork, index: number): Lane {
  const own = tokens.flatMap((_, slot) => (slot % plan.connections === index ? [slot] : []));
  let turn = 0;
  return {
    next: () =>
      own.length === 0
        ? undefined
        : encode(origin.host, {
            method: "POST",
            path: work.path,
            json: { [work.member]: at(tokens, at(own, turn % own.length)) },
          }),
    heard: (answer) => {
      const slot = at(own, turn % own.length);
      turn += 1;
      if (answer.status !== 200) return undefined;
      const body: unknown = JSON.parse(answer.body);
      tokens[slot] = member(body, work.member);
      if (work.collect !== undefined) collected.push(member(body, work.collect));
      return undefined;
    },
  };
}

function twoStepLanes(work: TwoStepWork, count: number): readonly Lane[] {
  const turns = work.requests.entries();
  const follow = followerOf(work.second);
  return Array.from({ length: count }, () => {
    let begun: readonly [number, Wire] | undefined;
    return {
      next: () => {
        begun = turns.next().value;
        return begun && encode(origin.host, begun[1]);
      },
      heard: (answer) => {
        if (begun === undefined || answer.status >= 300) return undefined;
        const [turn, first] = begun;
        begun = undefined;
        return encode(origin.host, { ...first, ...follow(turn, JSON.parse(answer.body)) });
      },
    };
  });
}

function followerOf(second: Second): (turn: number, body: unknown) => Pick<Wire, "path" | "json"> {
  if (second.factor === "totp") {
    const secret = Buffer.from(second.secret, "base64url");
    return (_, body) => ({
      path: `/v1/challenges/${member(body, "challengeId")}`,
      json: {
        challengeSecret: member(body, "challengeSecret"),
        factor: "totp",
        code: totpCode(secret, Date.now()),
      },
    });
  }
  const assert = authenticator(second.privatePem);
  return (turn, body) => {
    const options = part(body, "options");
    const asked = {
      challenge: member(options, "challenge"),
      rpId: member(options, "rpId"),
      origin: origin.origin,
    };
    const credential = assert(at(second.passkeys, turn), asked);
    return {
      path: "/v1/sessions/passkey",
      json: { ceremonyId: member(body, "ceremonyId"), credential },
    };
  };
}

function percentile(milliseconds: number[], share: number): number {
  milliseconds.sort((a, b) => a - b);
  return (
    milliseconds[Math.min(milliseconds.length - 1, Math.floor(milliseconds.length * share))] ?? -1
  );
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new RangeError(`no item ${index} of ${list.length}`);
  return found;
}
