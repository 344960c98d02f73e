import { z } from "zod";
import { Secret } from "../platform/kernel/secret.ts";
import {
  duration,
  httpUrl,
  list,
  onOff,
  oneOf,
  setting,
  text,
} from "../platform/settings/setting.ts";
import { LONGEST_ACCESS } from "../accounts/tokens/lifetimes.ts";

const faceNames = ["simplejwt", "djoser", "tag1", "none"] as const;
const template = text.regex(
  /^[^\s]*\{uid\}[^\s]*\{token\}[^\s]*$/,
  "must be a path with {uid} and {token} in it",
);
const off = { parse: onOff, fallback: "off" } as const;

/** Settings of the Django faces. The name of the same setting in the original is in parentheses. */
export const faceSettings = {
  faces: setting({
    env: "FACES",
    parse: list
      .refine(
        (names) => names.every((name) => faceNames.some((known) => known === name)),
        `may list ${faceNames.join(", ")}`,
      )
      .refine(
        (names) => names.length === 1 || !names.includes("none"),
        "may not list faces beside none",
      ),
    fallback: undefined,
    about:
      "Django interfaces that are served: simplejwt, djoser and tag1, separated by commas, or none. The default is all of them in development and none in production.",
  }),
  loginField: setting({
    env: "LOGIN_FIELD",
    parse: oneOf(["email", "username"]),
    fallback: "email",
    about:
      "Field with which users of a face log in (Djoser's LOGIN_FIELD, Django's USERNAME_FIELD). With `username`, two users may share an address.",
  }),
  userIdField: setting({
    env: "USER_ID_FIELD",
    parse: oneOf(["number", "id"]),
    fallback: "number",
    about:
      "The value that faces show as a user's id and write into `user_id` (SimpleJWT's USER_ID_FIELD): `number`, an integer like Django's keys, or `id`, the UUID.",
  }),
  usernames: setting({
    env: "USERNAMES",
    parse: oneOf(["plain", "django"]),
    fallback: "plain",
    about:
      "Which usernames are accepted. `plain`: letters and digits of one script and . _ -, compared without regard to case. `django`: the same as Django's, letters of any script and @ . + - _, compared with regard to case. Choose it before the first user registers.",
  }),
  simplejwtSigningKey: setting({
    env: "SIMPLEJWT_SIGNING_KEY",
    parse: z
      .string()
      .min(32, "must have at least 32 characters")
      .transform((value) => new Secret(value)),
    fallback: undefined,
    about:
      "Shared HS256 key (SIGNING_KEY), for services that still check tokens of the simplejwt and djoser faces with it, and for refresh tokens that Django has issued. If it is not set, faces sign with the server's own key.",
    secret: true,
  }),
  simplejwtAccessSeconds: setting({
    env: "SIMPLEJWT_ACCESS_TOKEN_LIFETIME",
    parse: duration({ atLeast: "1s", atMost: LONGEST_ACCESS }),
    fallback: "5m",
    about: "Lifetime of the faces' access tokens (ACCESS_TOKEN_LIFETIME).",
  }),
  simplejwtRefreshSeconds: setting({
    env: "SIMPLEJWT_REFRESH_TOKEN_LIFETIME",
    parse: duration({ atLeast: "1s", atMost: "3650d" }),
    fallback: "1d",
    about: "Lifetime of the faces' refresh tokens (REFRESH_TOKEN_LIFETIME).",
  }),
  simplejwtRotate: setting({
    env: "SIMPLEJWT_ROTATE_REFRESH_TOKENS",
    ...off,
    about:
      "Whether each refresh gives a new refresh token and blacklists the old one (ROTATE_REFRESH_TOKENS with BLACKLIST_AFTER_ROTATION).",
  }),
  simplejwtHeaderTypes: setting({
    env: "SIMPLEJWT_AUTH_HEADER_TYPES",
    parse: list.refine(
      (types) => types.length > 0 && types.every((type) => /^[\w-]+$/.test(type)),
      "must be words such as Bearer,JWT",
    ),
    fallback: "Bearer",
    about:
      "Words that may precede the token in the Authorization header (AUTH_HEADER_TYPES). The first one is used in WWW-Authenticate.",
  }),
  simplejwtTokenClasses: setting({
    env: "SIMPLEJWT_AUTH_TOKEN_CLASSES",
    parse: list.pipe(
      z
        .array(oneOf(["AccessToken", "SlidingToken"]))
        .min(1, "must name AccessToken, SlidingToken or both"),
    ),
    fallback: "AccessToken",
    about:
      "Kinds of tokens that requests may carry: AccessToken, SlidingToken or both (AUTH_TOKEN_CLASSES).",
  }),
  simplejwtSlidingSeconds: setting({
    env: "SIMPLEJWT_SLIDING_TOKEN_LIFETIME",
    parse: duration({ atLeast: "1s", atMost: LONGEST_ACCESS }),
    fallback: "5m",
    about: "Lifetime of sliding tokens (SLIDING_TOKEN_LIFETIME).",
  }),
  simplejwtSlidingRefreshSeconds: setting({
    env: "SIMPLEJWT_SLIDING_TOKEN_REFRESH_LIFETIME",
    parse: duration({ atLeast: "1s", atMost: "3650d" }),
    fallback: "1d",
    about: "How long sliding tokens can be refreshed (SLIDING_TOKEN_REFRESH_LIFETIME).",
  }),
  djoserPrefix: setting({
    env: "DJOSER_PREFIX",
    parse: z
      .string()
      .regex(
        /^(?!\/v1(?:\/|$))(?:\/[A-Za-z0-9_-]+)+$/,
        "must be a path such as /auth, outside /v1",
      ),
    fallback: "/auth",
    about: "Path under which Djoser's calls are served.",
  }),
  djoserTokenLogin: setting({
    env: "DJOSER_TOKEN_LOGIN",
    ...off,
    about:
      "Whether Djoser's opaque tokens, with their login and logout, are served besides JWTs (TOKEN_MODEL).",
  }),
  djoserSendActivationEmail: setting({
    env: "DJOSER_SEND_ACTIVATION_EMAIL",
    ...off,
    about:
      "Whether a new account is paused until its user opens the link in the activation mail (SEND_ACTIVATION_EMAIL).",
  }),
  djoserSendConfirmationEmail: setting({
    env: "DJOSER_SEND_CONFIRMATION_EMAIL",
    ...off,
    about: "Whether registration and activation are confirmed by mail (SEND_CONFIRMATION_EMAIL).",
  }),
  djoserPasswordChangedEmail: setting({
    env: "DJOSER_PASSWORD_CHANGED_EMAIL_CONFIRMATION",
    ...off,
    about:
      "Whether a change of password is confirmed by Djoser's mail (PASSWORD_CHANGED_EMAIL_CONFIRMATION).",
  }),
  djoserUsernameChangedEmail: setting({
    env: "DJOSER_USERNAME_CHANGED_EMAIL_CONFIRMATION",
    ...off,
    about:
      "Whether a change of the login field is confirmed by mail (USERNAME_CHANGED_EMAIL_CONFIRMATION).",
  }),
  djoserCreateRetype: setting({
    env: "DJOSER_USER_CREATE_PASSWORD_RETYPE",
    ...off,
    about: "Whether registration asks for `re_password` (USER_CREATE_PASSWORD_RETYPE).",
  }),
  djoserSetPasswordRetype: setting({
    env: "DJOSER_SET_PASSWORD_RETYPE",
    ...off,
    about: "Whether a change of password asks for `re_new_password` (SET_PASSWORD_RETYPE).",
  }),
  djoserResetPasswordRetype: setting({
    env: "DJOSER_PASSWORD_RESET_CONFIRM_RETYPE",
    ...off,
    about:
      "Whether a reset of the password asks for `re_new_password` (PASSWORD_RESET_CONFIRM_RETYPE).",
  }),
  djoserSetUsernameRetype: setting({
    env: "DJOSER_SET_USERNAME_RETYPE",
    ...off,
    about: "Whether a change of the login field asks for it twice (SET_USERNAME_RETYPE).",
  }),
  djoserResetUsernameRetype: setting({
    env: "DJOSER_USERNAME_RESET_CONFIRM_RETYPE",
    ...off,
    about: "Whether a reset of the login field asks for it twice (USERNAME_RESET_CONFIRM_RETYPE).",
  }),
  djoserShowEmailNotFound: setting({
    env: "DJOSER_SHOW_EMAIL_NOT_FOUND",
    ...off,
    about:
      "Whether a request for a reset says that no user has the address (PASSWORD_RESET_SHOW_EMAIL_NOT_FOUND, USERNAME_RESET_SHOW_EMAIL_NOT_FOUND).",
  }),
  djoserHideUsers: setting({
    env: "DJOSER_HIDE_USERS",
    parse: onOff,
    fallback: "on",
    about: "Whether users can see only themselves and no other users (HIDE_USERS).",
  }),
  djoserActivationUrl: setting({
    env: "DJOSER_ACTIVATION_URL",
    parse: template,
    fallback: "#/activate/{uid}/{token}",
    about: "Path of your front end that activation links in mail open (ACTIVATION_URL).",
  }),
  djoserPasswordResetUrl: setting({
    env: "DJOSER_PASSWORD_RESET_CONFIRM_URL",
    parse: template,
    fallback: "#/password/reset/confirm/{uid}/{token}",
    about:
      "Path of your front end that password-reset links in mail open (PASSWORD_RESET_CONFIRM_URL).",
  }),
  djoserUsernameResetUrl: setting({
    env: "DJOSER_USERNAME_RESET_CONFIRM_URL",
    parse: template,
    fallback: "#/username/reset/confirm/{uid}/{token}",
    about:
      "Path of your front end that login-field links in mail open (USERNAME_RESET_CONFIRM_URL).",
  }),
  frontendUrl: setting({
    env: "FRONTEND_URL",
    parse: httpUrl,
    fallback: undefined,
    about:
      "Address of the front end to which those paths belong (EMAIL_FRONTEND_PROTOCOL and EMAIL_FRONTEND_DOMAIN). The default is PUBLIC_URL.",
  }),
  mailedTokenSeconds: setting({
    env: "PASSWORD_RESET_TIMEOUT",
    parse: duration({ atLeast: "1s", atMost: "30d" }),
    fallback: "3d",
    about: "How long the links in mail of the djoser face work (PASSWORD_RESET_TIMEOUT).",
  }),
  tag1Paths: setting({
    env: "TAG1_PATHS",
    parse: oneOf(["finished", "djoser"]),
    fallback: "finished",
    about:
      "Paths of the tag1 face: `finished` (/api/user/…, /api/totp/…, /api/static/…), or `djoser` as in the middle of the tutorial (/api/users/…, /api/jwt/…, /api/me/).",
  }),
  tag1TokenSeconds: setting({
    env: "JWT_EXPIRATION_DELTA",
    parse: duration({ atLeast: "1s", atMost: LONGEST_ACCESS }),
    fallback: "15m",
    about: "Lifetime of the tag1 face's tokens (JWT_EXPIRATION_DELTA).",
  }),
  tag1RefreshSeconds: setting({
    env: "JWT_REFRESH_EXPIRATION_DELTA",
    parse: duration({ atLeast: "1s", atMost: "3650d" }),
    fallback: "7d",
    about:
      "How long after the login tokens of the tag1 face can be refreshed (JWT_REFRESH_EXPIRATION_DELTA).",
  }),
  tag1HeaderPrefix: setting({
    env: "JWT_AUTH_HEADER_PREFIX",
    parse: z.string().regex(/^[\w-]+$/, "must be a word such as JWT"),
    fallback: "JWT",
    about: "Word that precedes the token in the Authorization header (JWT_AUTH_HEADER_PREFIX).",
  }),
} as const;
