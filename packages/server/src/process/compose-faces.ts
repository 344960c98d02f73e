import { AssertionError } from "node:assert/strict";
import type { Rules } from "./rules.ts";
import { ConfigError, type Config } from "./config.ts";
import type { DjoserSettings } from "../interfaces/faces/djoser/deps.ts";
import { djoserViews } from "../interfaces/faces/djoser/djoser.ts";
import { router } from "../interfaces/faces/drf/router.ts";
import type { View } from "../interfaces/faces/drf/view.ts";
import { createFaceTokens, type FaceTokensDeps } from "../interfaces/faces/jwt/tokens.ts";
import { simplejwtViews } from "../interfaces/faces/simplejwt/simplejwt.ts";
import { tag1Views } from "../interfaces/faces/tag1/tag1.ts";
import type { EdgeDeps } from "../platform/http/edge.ts";
import type { Elsewhere } from "../platform/http/page.ts";
import type { Secret } from "../platform/kernel/secret.ts";

/** What the faces need besides the rules. */
interface FaceParts {
  readonly config: Config;
  readonly rules: Rules;
  readonly publicUrl: string;
  readonly authenticate: FaceTokensDeps["authenticate"];
  readonly allow: EdgeDeps["allow"];
}

/** Composes the Django faces that are served. Returns `undefined` if there are none. */
export function composeFaces(parts: FaceParts): Elsewhere | undefined {
  const views = faceViews(parts);
  return views.length === 0 ? undefined : routed(views);
}

/** Lists every view of the faces that are served. */
export function faceViews({
  config,
  rules,
  publicUrl,
  authenticate,
  allow,
}: FaceParts): readonly View[] {
  const { simplejwtSigningKey, userIdField } = config;
  const tokensUnder = (signingKey: Secret | undefined) =>
    createFaceTokens({ ...rules, authenticate, signingKey, userIdField });
  const isServed = (name: string): boolean =>
    config.faces?.includes(name) ?? config.mode === "development";
  const base = { ...rules, publicUrl, allow };
  // If Djoser requires activation, the other faces must not register users, or they would bypass
  // it.
  const isActivating = isServed("djoser") && config.djoserSendActivationEmail;
  const unactivated = { registration: isActivating ? "closed" : rules.registration } as const;
  const jwt = { ...base, ...jwtSettings(config), tokens: tokensUnder(simplejwtSigningKey) };
  const faces: Readonly<Record<string, () => readonly View[]>> = {
    simplejwt: () => simplejwtViews({ ...jwt, ...unactivated }),
    djoser: () => djoserViews({ ...jwt, ...djoserSettings(config, publicUrl) }),
    // Tag1 tokens are signed with the server's own key, because no other service could have
    // Django's.
    tag1: () =>
      tag1Views({
        ...base,
        ...unactivated,
        ...tag1Settings(config),
        tokens: tokensUnder(undefined),
      }),
  };
  return Object.entries(faces).flatMap(([name, viewsOf]) => (isServed(name) ? viewsOf() : []));
}

function routed(views: readonly View[]): Elsewhere {
  try {
    return router(views);
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    throw new ConfigError(
      `Faces share paths (${error.message}): set another PORTCULLIS_DJOSER_PREFIX or fewer PORTCULLIS_FACES.`,
      {
        cause: error,
      },
    );
  }
}

/**
 * The lifetimes of a face replace the native ones. Django knows no rule that demands a confirmed
 * address.
 */
function jwtSettings(config: Config) {
  const { simplejwtAccessSeconds, simplejwtRefreshSeconds, simplejwtRotate: rotate } = config;
  return {
    accessTtlSeconds: simplejwtAccessSeconds,
    idleTtlSeconds: simplejwtRefreshSeconds,
    // Without rotation, a session cannot be renewed beyond its one refresh token.
    sessionTtlSeconds: rotate
      ? Math.max(config.sessionTtlSeconds, simplejwtRefreshSeconds)
      : simplejwtRefreshSeconds,
    requireVerifiedEmail: false,
    noticeNewDevices: false,
    rotate,
    loginField: config.loginField,
    headerTypes: config.simplejwtHeaderTypes,
    tokenTypes: config.simplejwtTokenClasses.map((name) =>
      name === "AccessToken" ? "access" : "sliding",
    ),
    slidingSeconds: config.simplejwtSlidingSeconds,
    slidingRefreshSeconds: config.simplejwtSlidingRefreshSeconds,
  } as const;
}

function djoserSettings(config: Config, publicUrl: string) {
  const { mailedTokenSeconds, userIdField } = config;
  const djoser: DjoserSettings = {
    prefix: `/${config.djoserPrefix.slice(1)}`,
    tokenLogin: config.djoserTokenLogin,
    tokenLoginSeconds: config.sessionTtlSeconds,
    sendActivation: config.djoserSendActivationEmail,
    sendConfirmation: config.djoserSendConfirmationEmail,
    confirmPasswordChange: config.djoserPasswordChangedEmail,
    confirmNameChange: config.djoserUsernameChangedEmail,
    retype: {
      create: config.djoserCreateRetype,
      setPassword: config.djoserSetPasswordRetype,
      resetPassword: config.djoserResetPasswordRetype,
      setName: config.djoserSetUsernameRetype,
      resetName: config.djoserResetUsernameRetype,
    },
    showEmailNotFound: config.djoserShowEmailNotFound,
    hideUsers: config.djoserHideUsers,
    links: {
      frontendUrl: config.frontendUrl ?? publicUrl,
      activation: config.djoserActivationUrl,
      passwordReset: config.djoserPasswordResetUrl,
      nameReset: config.djoserUsernameResetUrl,
    },
  };
  return { mailedTokenSeconds, userIdField, djoser };
}

function tag1Settings({
  loginField,
  tag1Paths: paths,
  tag1HeaderPrefix: headerPrefix,
  ...config
}: Config) {
  const {
    tag1TokenSeconds: tokenSeconds,
    tag1RefreshSeconds: refreshSeconds,
    mailedTokenSeconds,
  } = config;
  return { loginField, paths, headerPrefix, tokenSeconds, refreshSeconds, mailedTokenSeconds };
}
