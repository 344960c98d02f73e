import { AssertionError } from "node:assert/strict";
import type { Rules } from "./rules.ts";
import { ConfigError, type Config } from "./config.ts";
import type { DjoserSettings } from "../interfaces/faces/djoser/deps.ts";
import { djoserViews } from "../interfaces/faces/djoser/djoser.ts";
import { urls } from "../interfaces/faces/drf/urls.ts";
import type { View } from "../interfaces/faces/drf/view.ts";
import { createFaceTokens, type FaceTokensDeps } from "../interfaces/faces/jwt/tokens.ts";
import { simplejwtViews } from "../interfaces/faces/simplejwt/simplejwt.ts";
import { tag1Views } from "../interfaces/faces/tag1/tag1.ts";
import { emailModel, usernameModel } from "../interfaces/faces/tag1/user-model.ts";
import type { SessionPolicy } from "../accounts/sessions/session-policy.ts";
import type { SignInPolicy } from "../accounts/sign-in/sign-in-policy.ts";
import type { EdgeDeps } from "../platform/http/edge.ts";
import type { Elsewhere } from "../platform/http/page.ts";
import type { Secret } from "../platform/kernel/secret.ts";

/** The dependencies of the faces beside the rules. */
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
  const faceRegistration = isActivating ? "closed" : rules.registration;
  const jwt = {
    ...base,
    ...jwtSettings(config, rules.sessionPolicy),
    tokens: tokensUnder(simplejwtSigningKey),
  };
  const faces: Readonly<Record<string, () => readonly View[]>> = {
    simplejwt: () => simplejwtViews({ ...jwt, faceRegistration }),
    djoser: () =>
      djoserViews({
        ...jwt,
        ...djoserSettings(config, publicUrl, jwt.facePolicy),
        faceRegistration: rules.registration,
      }),
    // Tag1 tokens are signed with the server's own key, because no other service could have
    // Django's.
    tag1: () =>
      tag1Views({
        ...base,
        ...tag1Settings(config, rules),
        faceRegistration,
        tokens: tokensUnder(undefined),
      }),
  };
  return Object.entries(faces).flatMap(([name, viewsOf]) => (isServed(name) ? viewsOf() : []));
}

function routed(views: readonly View[]): Elsewhere {
  try {
    return urls(views);
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

/** Makes a face's policy. Django knows no rule that demands a confirmed address. */
function facePolicyOf(sessions: SessionPolicy): SignInPolicy {
  return {
    sessions,
    requireVerifiedEmail: false,
    noticeNewDevices: false,
    makesRecoveryCodes: false,
  };
}

function jwtSettings(config: Config, native: SessionPolicy) {
  const { simplejwtAccessSeconds, simplejwtRefreshSeconds, simplejwtRotate: rotate } = config;
  return {
    facePolicy: facePolicyOf({
      ...native,
      accessTtlSeconds: simplejwtAccessSeconds,
      idleTtlSeconds: simplejwtRefreshSeconds,
      // A session without rotation cannot be renewed beyond its one refresh token.
      sessionTtlSeconds: rotate
        ? Math.max(config.sessionTtlSeconds, simplejwtRefreshSeconds)
        : simplejwtRefreshSeconds,
    }),
    slidingPolicy: facePolicyOf({
      ...native,
      accessTtlSeconds: config.simplejwtSlidingSeconds,
      idleTtlSeconds: config.simplejwtSlidingRefreshSeconds,
      sessionTtlSeconds: config.simplejwtSlidingRefreshSeconds,
    }),
    rotate,
    loginField: config.loginField,
    headerTypes: config.simplejwtHeaderTypes,
    tokenTypes: config.simplejwtTokenClasses.map((name) =>
      name === "AccessToken" ? "access" : "sliding",
    ),
  } as const;
}

function djoserSettings(config: Config, publicUrl: string, { sessions }: SignInPolicy) {
  const { mailedTokenSeconds, userIdField } = config;
  const djoser: DjoserSettings = {
    prefix: `/${config.djoserPrefix.slice(1)}`,
    tokenLogin: config.djoserTokenLogin,
    tokenLoginPolicy: facePolicyOf({
      ...sessions,
      idleTtlSeconds: config.sessionTtlSeconds,
      sessionTtlSeconds: config.sessionTtlSeconds,
    }),
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

function tag1Settings(config: Config, rules: Rules) {
  const {
    tag1Paths: paths,
    tag1HeaderPrefix: headerPrefix,
    tag1TokenSeconds: tokenSeconds,
    tag1RefreshSeconds: refreshSeconds,
    mailedTokenSeconds,
  } = config;
  // The session lasts long enough for the last token that a refresh gives out to be as good as any.
  const lastingSeconds = refreshSeconds + tokenSeconds;
  const facePolicy = facePolicyOf({
    ...rules.sessionPolicy,
    accessTtlSeconds: tokenSeconds,
    idleTtlSeconds: lastingSeconds,
    sessionTtlSeconds: lastingSeconds,
  });
  const model = config.loginField === "email" ? emailModel(rules) : usernameModel(rules);
  return {
    model,
    facePolicy,
    paths,
    headerPrefix,
    tokenSeconds,
    refreshSeconds,
    mailedTokenSeconds,
  };
}
