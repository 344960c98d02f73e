import { READ_CONNECTIONS, reading, startBare } from "../baselines.ts";
import type { Bench, Row, Scenario } from "../bench.ts";
import { generate, getWith } from "../load.ts";
import type { Plan } from "../plan.ts";
import { bearer, register, signIn, startPortcullis, type SignedIn } from "../portcullis.ts";
import type { Started } from "../processes.ts";
import { compare, interleave, summaryOf, type Contender } from "../rounds.ts";

const USERS = 32;

/** Measures a request that needs only the token, against a handler that needs nothing. */
export const token: Scenario = {
  name: "token",
  run: async (bench: Bench): Promise<readonly Row[]> => {
    const server = await startPortcullis({
      dataDir: bench.folder("token"),
      env: { PORTCULLIS_REFRESH_GRACE: "0" },
    });
    const sessions = await signIn(server, await register(server, USERS));
    const headers = sessions.map((s) => bearer(s.accessToken));
    const bare = await startBare(bench, server, "/v1/token", sessions[0]?.accessToken ?? "");
    const summaries = await interleave(
      [
        reading(bench, { name: "GET /v1/token", server, path: "/v1/token", headers }),
        reading(bench, { name: "bare handler", server: bare, path: "/v1/token", headers }),
        firstSight(server, sessions),
      ],
      bench.options,
    );
    await Promise.all([server.stop(), bare.stop()]);
    const mine = summaryOf(summaries, "GET /v1/token");
    const other = summaryOf(summaries, "bare handler");
    return [
      compare({
        what: mine.name,
        mine,
        other,
        atLeast: 0.85,
        note: `${USERS} tokens in turn: their signatures are remembered`,
      }),
      compare({
        what: FIRST_SIGHT,
        mine: summaryOf(summaries, FIRST_SIGHT),
        other,
        note: "no token is sent twice: every signature is checked",
      }),
    ];
  },
};

const FIRST_SIGHT = "GET /v1/token, each token seen for the first time";

/** Gets new tokens by unmeasured refreshes, then sends each of them once. */
function firstSight(server: Started, sessions: readonly SignedIn[]): Contender {
  let refreshTokens: readonly string[] = sessions.map((s) => s.refreshToken);
  const plan = (seconds: number): Omit<Plan, "work"> => ({
    origin: server.origin,
    connections: READ_CONNECTIONS,
    seconds,
  });
  return {
    name: FIRST_SIGHT,
    round: async (seconds) => {
      const work = {
        kind: "refresh",
        path: "/v1/sessions/refresh",
        member: "refreshToken",
        collect: "accessToken",
        tokens: refreshTokens,
      } as const;
      const { tokens, collected } = await generate({ ...plan(seconds), work });
      refreshTokens = tokens;
      return generate({
        ...plan(seconds),
        work: {
          kind: "once",
          requests: collected.map((each) => getWith("/v1/token", bearer(each))),
        },
      });
    },
  };
}
