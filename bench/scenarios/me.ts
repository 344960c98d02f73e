import { reading, startBare } from "../baselines.ts";
import type { Bench, Row, Scenario } from "../bench.ts";
import {
  betterAuthCookies,
  djangoAbsent,
  djangoSignIn,
  startBetterAuth,
  startDjango,
} from "../peers.ts";
import { bearer, register, signIn, startPortcullis } from "../portcullis.ts";
import { compare, interleave, summaryOf } from "../rounds.ts";

const USERS = 32;

/** Measures reading the own account, which needs the token and one row. */
export const me: Scenario = {
  name: "me",
  run: async (bench: Bench): Promise<readonly Row[]> => {
    const server = await startPortcullis({ dataDir: bench.folder("me") });
    const sessions = await signIn(server, await register(server, USERS));
    const headers = sessions.map((s) => bearer(s.accessToken));
    const bare = await startBare(bench, server, "/v1/me", sessions[0]?.accessToken ?? "");
    const betterAuth = await startBetterAuth(bench.folder("better-auth"));
    const cookies = (await betterAuthCookies(betterAuth, USERS)).map((value) => ({
      name: "Cookie",
      value,
    }));
    const django = await startDjango(bench.folder("django"), USERS);
    const djangoHeaders =
      django === undefined
        ? []
        : (await djangoSignIn(django, USERS)).map((s) => bearer(s.accessToken));

    const summaries = await interleave(
      [
        reading(bench, { name: "GET /v1/me", server, path: "/v1/me", headers }),
        reading(bench, { name: "bare handler", server: bare, path: "/v1/me", headers }),
        reading(bench, {
          name: "better-auth get-session",
          server: betterAuth,
          path: "/api/auth/get-session",
          headers: cookies,
        }),
        ...(django === undefined
          ? []
          : [
              reading(bench, {
                name: "Django me with SimpleJWT",
                server: django,
                path: "/auth/users/me/",
                headers: djangoHeaders,
              }),
            ]),
      ],
      bench.options,
    );
    await Promise.all([server, bare, betterAuth, django].map(async (each) => each?.stop()));

    const mine = summaryOf(summaries, "GET /v1/me");
    const against = (name: string, atLeast: number, note?: string): Row =>
      compare({
        what: mine.name,
        mine,
        other: summaryOf(summaries, name),
        atLeast,
        ...(note === undefined ? {} : { note }),
      });
    return [
      against("bare handler", 0.6),
      against("better-auth get-session", 25, betterAuth.about),
      django === undefined
        ? djangoAbsent(mine.name, "≥ 20 ×")
        : against(
            "Django me with SimpleJWT",
            20,
            `gunicorn, 2 sync workers on both cores; ${django.about}`,
          ),
    ];
  },
};
