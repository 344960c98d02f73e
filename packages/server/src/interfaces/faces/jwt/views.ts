/*
 * SimpleJWT's views, for any face that mounts them:
 *
 *   const create = { name: "djoser.jwt_create", path: "/auth/jwt/create/", optionalSlash: true };
 *   urls([
 *     obtainPairView(jwt, create),
 *     refreshView(jwt, { … }), verifyView(jwt, { … }), blacklistView(jwt, { … }),
 *   ]);
 *
 * The acts themselves are in jwt.ts, for views with answers of their own: `obtainPair`,
 * `refreshPair`, `blacklist`.
 */
import type { Json } from "../../../platform/http/serve.ts";
import { ok, type Answer } from "../drf/answers.ts";
import { readOnly, serializer, text, type Body, type Field } from "../drf/fields.ts";
import { action, allowAny, view, type Call, type Place, type View } from "../drf/view.ts";
import { noAuthenticator, type Requester } from "./authenticator.ts";
import {
  blacklist,
  complaintAbout,
  obtainPair,
  obtainSliding,
  refreshPair,
  refreshSliding,
  type JwtDeps,
  type Login,
  type Outcome,
} from "./jwt.ts";

interface About<Input> {
  readonly title: string;
  readonly description: string;
  readonly body: Body<Input>;
  readonly handle: (call: Call<unknown, Input>) => Promise<Answer>;
}

/** Makes a view for POST that ignores the Authorization header. */
function tokenView<Input>(
  deps: JwtDeps,
  place: Place,
  { title, description, body, handle }: About<Input>,
): View {
  return view<Requester>({
    ...place,
    title,
    description,
    authenticator: noAuthenticator(deps),
    permission: allowAny,
    methods: {
      POST: action({ act: "public", permission: allowAny<Requester>, body, handle }),
    },
  });
}

/** Reads the login field of the deployment and the password. */
export function credentials({ loginField }: Pick<JwtDeps, "loginField">): Body<Login> {
  const fields = { [loginField]: text(), password: text() };
  const { facts, read } = serializer<Readonly<Record<string, Field<string>>>>(fields);
  return {
    ...(facts !== undefined && { facts }),
    read: async (data) => {
      const outcome = await read(data);
      if (outcome.kind === "invalid") return outcome;
      const { [loginField]: identifier = "", password = "" } = outcome.input;
      return { kind: "valid", input: { identifier, password } };
    },
  };
}

export function obtainPairView(deps: JwtDeps, place: Place): View {
  return tokenView(deps, place, {
    title: "Token Obtain Pair",
    description:
      "Takes a set of user credentials and returns an access and refresh JSON web token pair to prove the authentication of those credentials.",
    body: credentials(deps),
    handle: async (call) =>
      said(await obtainPair(deps, call.input, call), ({ pair }) => ({
        refresh: pair.refresh,
        access: pair.access,
      })),
  });
}

export function refreshView(deps: JwtDeps, place: Place): View {
  return tokenView(deps, place, {
    title: "Token Refresh",
    description:
      "Takes a refresh type JSON web token and returns an access type JSON web token if the refresh token is valid.",
    body: serializer({ refresh: text(), access: readOnly("string") }),
    handle: async (call) =>
      said(await refreshPair(deps, call.input.refresh, call), (pair) => ({ ...pair })),
  });
}

export function verifyView(deps: JwtDeps, place: Place): View {
  return tokenView(deps, place, {
    title: "Token Verify",
    description:
      "Takes a token and indicates if it is valid. This view provides no information about a token's fitness for a particular use.",
    body: serializer({ token: text() }),
    handle: async ({ input }) => (await complaintAbout(deps, input.token)) ?? ok({}),
  });
}

export function blacklistView(deps: JwtDeps, place: Place): View {
  return tokenView(deps, place, {
    title: "Token Blacklist",
    description: "Takes a token and blacklists it.",
    body: serializer({ refresh: text() }),
    handle: async (call) => said(await blacklist(deps, call.input.refresh, call), () => ({})),
  });
}

export function obtainSlidingView(deps: JwtDeps, place: Place): View {
  return tokenView(deps, place, {
    title: "Token Obtain Sliding",
    description:
      "Takes a set of user credentials and returns a sliding JSON web token to prove the authentication of those credentials.",
    body: credentials(deps),
    handle: async (call) =>
      said(await obtainSliding(deps, call.input, call), (token) => ({ token })),
  });
}

export function refreshSlidingView(deps: JwtDeps, place: Place): View {
  return tokenView(deps, place, {
    title: "Token Refresh Sliding",
    description:
      "Takes a sliding JSON web token and returns a new, refreshed version if the token's refresh period has not expired.",
    body: serializer({ token: text() }),
    handle: async (call) =>
      said(await refreshSliding(deps, call.input.token, call), (token) => ({ token })),
  });
}

function said<Value>(outcome: Outcome<Value>, write: (value: Value) => Json): Answer {
  return outcome.kind === "done" ? ok(write(outcome.value)) : outcome.answer;
}
