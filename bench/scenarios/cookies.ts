import { reading } from "../baselines.ts";
import type { Bench, Row, Scenario } from "../bench.ts";
import { bearer, register, signIn, startPortcullis } from "../portcullis.ts";
import { compare, interleave, summaryOf } from "../rounds.ts";

const USERS = 32;
const COOKIE = "GET /v1/me with a cookie";
const BEARER = "GET /v1/me with a bearer token";

/** Measures what cookie mode costs a call: reading the own account with each kind of credential. */
export const cookies: Scenario = {
  name: "cookies",
  run: async (bench: Bench): Promise<readonly Row[]> => {
    const server = await startPortcullis({ dataDir: bench.folder("cookies") });
    const sessions = await signIn(server, await register(server, USERS));
    const summaries = await interleave(
      [
        reading(bench, {
          name: COOKIE,
          server,
          path: "/v1/me",
          headers: sessions.map(({ accessToken }) => ({
            name: "Cookie",
            value: `theme=dark; __Host-portcullis_access=session.${accessToken}`,
          })),
        }),
        reading(bench, {
          name: BEARER,
          server,
          path: "/v1/me",
          headers: sessions.map(({ accessToken }) => bearer(accessToken)),
        }),
      ],
      bench.options,
    );
    await server.stop();
    return [
      compare({
        what: COOKIE,
        mine: summaryOf(summaries, COOKIE),
        other: summaryOf(summaries, BEARER),
        atLeast: 0.9,
      }),
    ];
  },
};
