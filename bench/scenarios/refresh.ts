import { storage } from "../baselines.ts";
import type { Bench, Row, Scenario } from "../bench.ts";
import { generate } from "../load.ts";
import { djangoAbsent, djangoSignIn, startDjango } from "../peers.ts";
import type { RefreshWork } from "../plan.ts";
import { register, signIn, startPortcullis } from "../portcullis.ts";
import type { Started } from "../processes.ts";
import { compare, interleave, summaryOf, type Contender } from "../rounds.ts";

const SESSIONS = 64;
const CONNECTIONS = 16;

/**
 * Measures rotations: every call uses up a token and stores its successor. There is no grace
 * window, so no call is answered without a rotation.
 */
export const refresh: Scenario = {
  name: "refresh",
  run: async (bench: Bench): Promise<readonly Row[]> => {
    const server = await startPortcullis({
      dataDir: bench.folder("refresh"),
      env: { PORTCULLIS_REFRESH_GRACE: "0" },
    });
    const sessions = await signIn(server, await register(server, SESSIONS));
    const django = await startDjango(bench.folder("django"), SESSIONS);
    const djangoSessions = django === undefined ? [] : await djangoSignIn(django, SESSIONS);

    const own = await storage(bench, "refresh");
    const mineWork: RefreshWork = {
      kind: "refresh",
      path: "/v1/sessions/refresh",
      member: "refreshToken",
      tokens: sessions.map((s) => s.refreshToken),
    };
    const peerTokens = djangoSessions.map((s) => s.refreshToken);
    const summaries = await interleave(
      [
        refreshing("POST /v1/sessions/refresh", server, mineWork),
        own,
        ...(django === undefined
          ? []
          : [
              refreshing("SimpleJWT refresh", django, {
                kind: "refresh",
                path: "/api/token/refresh/",
                member: "refresh",
                tokens: peerTokens,
              }),
            ]),
      ],
      bench.options,
    );
    await Promise.all([server.stop(), django?.stop()]);

    const mine = summaryOf(summaries, "POST /v1/sessions/refresh");
    const peerNote =
      "rotation and blacklist; gunicorn, 2 sync workers on both cores, SQLite write-ahead";
    return [
      compare({
        what: mine.name,
        mine,
        other: summaryOf(summaries, own.name),
        atLeast: 0.5,
        note: "grace 0: every call rotates",
      }),
      django === undefined
        ? djangoAbsent(mine.name, "≥ 10 ×")
        : compare({
            what: mine.name,
            mine,
            other: summaryOf(summaries, "SimpleJWT refresh"),
            atLeast: 10,
            note: peerNote,
          }),
    ];
  },
};

/** Starts each round with the tokens that are valid after the one before. */
export function refreshing(name: string, server: Started, work: RefreshWork): Contender {
  let tokens = work.tokens;
  return {
    name,
    pid: server.pid,
    round: async (seconds) => {
      const load = await generate({
        origin: server.origin,
        connections: CONNECTIONS,
        seconds,
        work: { ...work, tokens },
      });
      tokens = load.tokens;
      return load;
    },
  };
}
