import { ok } from "../drf/answers.ts";
import { action, allowAny, view, type Place, type View } from "../drf/view.ts";
import {
  accountView,
  createView,
  deleteView,
  setLoginView,
  setPasswordView,
  usersView,
  type AccountsDeps,
} from "./accounts.ts";
import { jwtAuthenticator, type Presenter } from "./authenticator.ts";
import {
  loginView,
  logoutAllView,
  refreshView,
  verifyView,
  type SessionsDeps,
} from "./sessions.ts";
import { STATIC_CODE, staticCreateView, staticLoginView } from "./static.ts";
import { totpCreateView, totpDeleteView, totpLoginView } from "./totp.ts";

export interface Tag1Deps extends AccountsDeps, SessionsDeps {
  readonly publicUrl: string;
}

/** Lists the views of Tag1's tutorial "user management API for a single-page or mobile app". */
export function tag1Views(deps: Tag1Deps): readonly View[] {
  return deps.paths === "finished" ? finishedViews(deps) : djoserViews(deps);
}

function finishedViews(deps: Tag1Deps): readonly View[] {
  return [
    createView(deps, { name: "tag1.create", path: "/api/user/create/" }),
    accountView(deps, { name: "tag1.view", path: "/api/user/view/" }),
    deleteView(deps, { name: "tag1.delete", path: "/api/user/delete/" }),
    loginView(deps, { name: "tag1.login", path: "/api/user/login/" }),
    refreshView(deps, { name: "tag1.refresh", path: "/api/user/login/refresh/" }),
    logoutAllView(deps, { name: "tag1.logout_all", path: "/api/user/logout/all/" }),
    totpCreateView(deps, { name: "tag1.totp_create", path: "/api/totp/create/" }),
    totpLoginView(deps, {
      name: "tag1.totp_login",
      path: "/api/totp/login/{code}/",
      where: { code: /[0-9]{6}/ },
    }),
    totpDeleteView(deps, { name: "tag1.totp_delete", path: "/api/totp/delete/" }),
    staticCreateView(deps, { name: "tag1.static_create", path: "/api/static/create/" }),
    staticLoginView(deps, {
      name: "tag1.static_login",
      path: "/api/static/login/{code}/",
      where: { code: STATIC_CODE },
    }),
  ];
}

/** Leaves out what Djoser does by mail, because the tutorial does not set it up. */
function djoserViews(deps: Tag1Deps): readonly View[] {
  return [
    rootView(deps, { name: "tag1.root", path: "/api/" }),
    usersView(deps, { name: "tag1.users", path: "/api/users/" }),
    createView(deps, { name: "tag1.create", path: "/api/users/create/" }),
    deleteView(deps, { name: "tag1.delete", path: "/api/users/delete/" }),
    accountView(deps, { name: "tag1.users_me", path: "/api/users/me/" }),
    accountView(deps, { name: "tag1.view", path: "/api/me/" }),
    setPasswordView(deps, { name: "tag1.set_password", path: "/api/password/" }),
    setLoginView(deps, { name: "tag1.set_login", path: `/api/${deps.model.loginField}/` }),
    loginView(deps, { name: "tag1.login", path: "/api/jwt/create/" }),
    refreshView(deps, { name: "tag1.refresh", path: "/api/jwt/refresh/" }),
    verifyView(deps, { name: "tag1.verify", path: "/api/jwt/verify/" }),
  ];
}

function rootView(deps: Tag1Deps, place: Place): View {
  const links = {
    user: "me/",
    "user-create": "users/create/",
    "user-delete": "users/delete/",
    "user-activate": "users/activate/",
    set_username: `${deps.model.loginField}/`,
    set_password: "password/",
    password_reset: "password/reset/",
    password_reset_confirm: "password/reset/confirm/",
    root: "",
    "jwt-create": "jwt/create/",
    "jwt-refresh": "jwt/refresh/",
    "jwt-verify": "jwt/verify/",
  };
  const body = Object.fromEntries(
    Object.entries(links).map(([name, path]) => [name, `${deps.publicUrl}/api/${path}`]),
  );
  return view<Presenter>({
    ...place,
    title: "Root",
    description: "Root endpoint - use one of sub endpoints.",
    authenticator: jwtAuthenticator(deps),
    permission: allowAny,
    methods: {
      GET: action({ act: "public", permission: allowAny<Presenter>, handle: () => ok(body) }),
    },
  });
}
