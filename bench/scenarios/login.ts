import { argon2, ARGON2_CONCURRENCIES } from "../baselines.ts";
import type { Bench, Row, Scenario } from "../bench.ts";
import type { Wire } from "../connection.ts";
import { generate } from "../load.ts";
import {
  betterAuthCookies,
  betterAuthSignInWire,
  djangoSignInWire,
  startBetterAuth,
  startDjango,
} from "../peers.ts";
import { register, signInWire, startPortcullis } from "../portcullis.ts";
import type { Started } from "../processes.ts";
import { compare, interleave, summaryOf, type Contender } from "../rounds.ts";

const USERS = 64;
const CONNECTIONS = 8;

/**
 * Measures sign-in with the right password. No process is pinned, because the hashers should use
 * both cores.
 */
export const login: Scenario = {
  name: "login",
  run: async (bench: Bench): Promise<readonly Row[]> => {
    const server = await startPortcullis({ dataDir: bench.folder("login"), cores: "all" });
    const emails = await register(server, USERS);
    const betterAuth = await startBetterAuth(bench.folder("better-auth"), "all");
    await betterAuthCookies(betterAuth, USERS);
    const django = await startDjango(bench.folder("django"), USERS);
    const indexes = emails.map((_, index) => index);

    const raw = ARGON2_CONCURRENCIES.map((concurrency) => argon2(concurrency));
    const summaries = await interleave(
      [
        signingIn(
          "POST /v1/sessions",
          server,
          emails.map((email) => signInWire(email)),
        ),
        ...raw,
        signingIn(
          "better-auth sign-in",
          betterAuth,
          indexes.map((index) => betterAuthSignInWire(index, betterAuth.origin)),
        ),
        ...(django === undefined
          ? []
          : [signingIn("SimpleJWT POST /api/token/", django, indexes.map(djangoSignInWire))]),
      ],
      bench.options,
    );
    await Promise.all([server, betterAuth, django].map(async (each) => each?.stop()));

    const mine = summaryOf(summaries, "POST /v1/sessions");
    const best = raw
      .map((c) => summaryOf(summaries, c.name))
      .reduce((a, b) => (a.perSecond >= b.perSecond ? a : b));
    return [
      compare({
        what: mine.name,
        mine,
        other: best,
        atLeast: 0.9,
        note: "19 MiB, t=2, p=1; both cores",
      }),
      compare({
        what: mine.name,
        mine,
        other: summaryOf(summaries, "better-auth sign-in"),
        note: "its own default, scrypt N=16384 r=16",
      }),
      ...(django === undefined
        ? []
        : [
            compare({
              what: mine.name,
              mine,
              other: summaryOf(summaries, "SimpleJWT POST /api/token/"),
              note: django.about,
            }),
          ]),
    ];
  },
};

export function signingIn(name: string, server: Started, requests: readonly Wire[]): Contender {
  return {
    name,
    pid: server.pid,
    round: async (seconds) =>
      generate(
        {
          origin: server.origin,
          connections: CONNECTIONS,
          seconds,
          manyClients: true,
          work: { kind: "cycle", requests },
        },
        "0,1",
      ),
  };
}
