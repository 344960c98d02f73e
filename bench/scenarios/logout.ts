import { storage } from "../baselines.ts";
import type { Bench, Row, Scenario } from "../bench.ts";
import { generate } from "../load.ts";
import { bearer, register, signIn, startPortcullis } from "../portcullis.ts";
import { unpinChildren, type Started } from "../processes.ts";
import { compare, interleave, summaryOf, type Contender } from "../rounds.ts";

/**
 * Each logout needs its own session and thus a password hash, so a round is a number of calls and
 * not a time.
 */
const SESSIONS_A_ROUND = 256;
const CONNECTIONS = 8;

/** Measures the logout of one session, which is answered when its tokens are dead. */
export const logout: Scenario = {
  name: "logout",
  run: async (bench: Bench): Promise<readonly Row[]> => {
    const server = await startPortcullis({ dataDir: bench.folder("logout") });
    unpinChildren(server.pid);
    const emails = await register(
      server,
      bench.options.quick ? SESSIONS_A_ROUND / 4 : SESSIONS_A_ROUND,
    );
    const own = await storage(bench, "logout");
    const summaries = await interleave([loggingOut(server, emails), own], bench.options);
    await server.stop();
    const mine = summaryOf(summaries, "DELETE /v1/sessions/current");
    return [
      compare({
        what: mine.name,
        mine,
        other: summaryOf(summaries, own.name),
        note: `${emails.length} sessions a round, ${CONNECTIONS} connections`,
      }),
    ];
  },
};

export function loggingOut(server: Started, emails: readonly string[]): Contender {
  return {
    name: "DELETE /v1/sessions/current",
    pid: server.pid,
    round: async (seconds) => {
      const sessions = await signIn(server, emails);
      const requests = sessions.map(({ accessToken }) => ({
        method: "DELETE",
        path: "/v1/sessions/current",
        headers: { [bearer(accessToken).name]: bearer(accessToken).value },
      }));
      return generate({
        origin: server.origin,
        connections: CONNECTIONS,
        seconds: Math.max(10, seconds),
        work: { kind: "once", requests },
      });
    },
  };
}
