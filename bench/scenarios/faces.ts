import { reading } from "../baselines.ts";
import type { Bench, Row, Scenario } from "../bench.ts";
import { djangoAbsent, djangoSignIn, startDjango } from "../peers.ts";
import type { RefreshWork } from "../plan.ts";
import {
  bearer,
  register,
  signIn,
  signInAtFace,
  startPortcullis,
  type SignedIn,
} from "../portcullis.ts";
import { compare, interleave, summaryOf } from "../rounds.ts";
import { refreshing } from "./refresh.ts";

const USERS = 64;

const ME = "GET /auth/users/me/";
const NATIVE_ME = "GET /v1/me";
const REFRESH = "POST /api/token/refresh/";
const NATIVE_REFRESH = "POST /v1/sessions/refresh";
const DJANGO_ME = "Django me with SimpleJWT";
const DJANGO_REFRESH = "SimpleJWT refresh";

/** The relative rate of a face that costs 10 % more than the native endpoint. */
const TEN_PERCENT_DEARER = 0.91;

/**
 * Compares the faces with SimpleJWT and Djoser, whose place they take, and with the native
 * endpoints of the same server.
 */
export const faces: Scenario = {
  name: "faces",
  run: async (bench: Bench): Promise<readonly Row[]> => {
    const server = await startPortcullis({ dataDir: bench.folder("faces"), env: FACES });
    const emails = await register(server, USERS);
    const native = await signIn(server, emails);
    const atFace = await signInAtFace(server, emails);
    const django = await startDjango(bench.folder("django"), USERS);
    const atDjango = django === undefined ? [] : await djangoSignIn(django, USERS);

    const summaries = await interleave(
      [
        // The native endpoints come first, so that shared code is compiled before the faces are
        // measured.
        reading(bench, {
          name: NATIVE_ME,
          server,
          path: "/v1/me",
          headers: native.map((s) => bearer(s.accessToken)),
        }),
        reading(bench, {
          name: ME,
          server,
          path: "/auth/users/me/",
          headers: atFace.map((s) => bearer(s.accessToken)),
        }),
        refreshing(
          NATIVE_REFRESH,
          server,
          rotating("/v1/sessions/refresh", "refreshToken", native),
        ),
        refreshing(REFRESH, server, rotating("/api/token/refresh/", "refresh", atFace)),
        ...(django === undefined
          ? []
          : [
              reading(bench, {
                name: DJANGO_ME,
                server: django,
                path: "/auth/users/me/",
                headers: atDjango.map((s) => bearer(s.accessToken)),
              }),
              refreshing(
                DJANGO_REFRESH,
                django,
                rotating("/api/token/refresh/", "refresh", atDjango),
              ),
            ]),
      ],
      bench.options,
    );
    await Promise.all([server.stop(), django?.stop()]);

    const against = (what: string, name: string, atLeast: number, note: string): Row =>
      compare({
        what,
        mine: summaryOf(summaries, what),
        other: summaryOf(summaries, name),
        atLeast,
        note,
      });
    const sameServer = "the same server; at most 10 % dearer";
    const gunicorn = `gunicorn, 2 sync workers on both cores; ${django?.about ?? ""}`;
    return [
      against(ME, NATIVE_ME, TEN_PERCENT_DEARER, sameServer),
      against(
        REFRESH,
        NATIVE_REFRESH,
        TEN_PERCENT_DEARER,
        `${sameServer}; grace 0: every call rotates`,
      ),
      ...(django === undefined
        ? [djangoAbsent(ME, "≥ 25 ×"), djangoAbsent(REFRESH, "≥ 10 ×")]
        : [
            against(ME, DJANGO_ME, 25, gunicorn),
            against(REFRESH, DJANGO_REFRESH, 10, `rotation and blacklist; ${gunicorn}`),
          ]),
    ];
  },
};

const FACES = {
  PORTCULLIS_FACES: "simplejwt,djoser",
  PORTCULLIS_SIMPLEJWT_ACCESS_TOKEN_LIFETIME: "1h",
  PORTCULLIS_SIMPLEJWT_ROTATE_REFRESH_TOKENS: "on",
  PORTCULLIS_REFRESH_GRACE: "0",
};

function rotating(path: string, member: string, sessions: readonly SignedIn[]): RefreshWork {
  return { kind: "refresh", path, member, tokens: sessions.map((s) => s.refreshToken) };
}
