import { ok } from "../drf/answers.ts";
import { action, allowAny, view, type Authenticator, type View } from "../drf/view.ts";
import { blacklistView, obtainPairView, refreshView, verifyView } from "../jwt/views.ts";
import { activationViews } from "./activation.ts";
import { callerAuthenticator, type Caller } from "./caller.ts";
import type { DjoserDeps } from "./deps.ts";
import { resetPasswordViews } from "./reset-password.ts";
import { emailViews } from "./set-email.ts";
import { setPasswordView } from "./set-password.ts";
import { usernameViews } from "./set-username.ts";
import { tokenViews } from "./token-login.ts";
import { userViews } from "./users.ts";

/** Lists Djoser's views, and SimpleJWT's views at the paths that Djoser gives them. */
export function djoserViews(deps: DjoserDeps): readonly View[] {
  const authenticator = callerAuthenticator(deps);
  const { prefix, tokenLogin } = deps.djoser;
  return [
    rootView(deps, authenticator),
    ...activationViews(deps, authenticator),
    setPasswordView(deps, authenticator),
    ...resetPasswordViews(deps, authenticator),
    ...(deps.loginField === "email" ? emailViews : usernameViews)(deps, authenticator),
    // The users come last, because `users/{id}/` would match the names of the others with a
    // format's suffix.
    ...userViews(deps, authenticator),
    obtainPairView(deps, {
      name: "djoser.jwt_create",
      path: `${prefix}/jwt/create/`,
      optionalSlash: true,
    }),
    refreshView(deps, {
      name: "djoser.jwt_refresh",
      path: `${prefix}/jwt/refresh/`,
      optionalSlash: true,
    }),
    verifyView(deps, {
      name: "djoser.jwt_verify",
      path: `${prefix}/jwt/verify/`,
      optionalSlash: true,
    }),
    blacklistView(deps, { name: "djoser.jwt_blacklist", path: `${prefix}/jwt/blacklist/` }),
    ...(tokenLogin ? tokenViews(deps, authenticator) : []),
  ];
}

/**
 * Shows the router's list of collections. Its links use the configured address, because a client
 * chooses the Host header.
 */
function rootView(
  { djoser: { prefix }, publicUrl }: DjoserDeps,
  authenticator: Authenticator<Caller>,
): View {
  return view<Caller>({
    name: "djoser.root",
    path: `${prefix}/`,
    mount: `${prefix}/`,
    title: "Api Root",
    description: "The default basic root view for DefaultRouter",
    authenticator,
    permission: allowAny,
    methods: {
      GET: action({
        act: "public",
        permission: allowAny<Caller>,
        handle: ({ params: { format } }) =>
          ok({ users: `${publicUrl}${prefix}/users${format === undefined ? "/" : `.${format}`}` }),
      }),
    },
  });
}
