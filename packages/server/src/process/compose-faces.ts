import { AssertionError } from "node:assert/strict";
import type { Rules } from "./rules.ts";
import { ConfigError, type Config } from "./config.ts";
import type { DjoserDeps, DjoserSettings } from "../interfaces/faces/djoser/deps.ts";
import { djoserViews } from "../interfaces/faces/djoser/djoser.ts";
import { urls } from "../interfaces/faces/drf/urls.ts";
import type { View } from "../interfaces/faces/drf/view.ts";
import { createFaceTokens, type FaceTokensDeps } from "../interfaces/faces/jwt/tokens.ts";
import type { AuthDeps } from "../interfaces/faces/simplejwt/auth.ts";
import { simplejwtViews } from "../interfaces/faces/simplejwt/simplejwt.ts";
import { tag1Views, type Tag1Deps } from "../interfaces/faces/tag1/tag1.ts";
import { emailModel, usernameModel } from "../interfaces/faces/tag1/user-model.ts";
import type { SessionPolicy } from "../accounts/sessions/session-policy.ts";
import type { RegistrationMode } from "../accounts/users/register.ts";
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
export function faceViews(parts: FaceParts): readonly View[] {
  const { config } = parts;
  const faces: Readonly<Record<string, () => readonly View[]>> = {
    simplejwt: () => simplejwtViews(simplejwtDeps(parts)),
    djoser: () => djoserViews(djoserDeps(parts)),
    tag1: () => tag1Views(tag1Deps(parts)),
  };
  return Object.entries(faces).flatMap(([name, viewsOf]) =>
    isServed(config, name) ? viewsOf() : [],
  );
}

function isServed({ faces, mode }: Config, name: string): boolean {
  return faces?.includes(name) ?? mode === "development";
}

/** Lists what every face is built on. What only some faces need is passed to them below. */
function sharedDeps({ rules, allow }: FaceParts) {
  return {
    db: rules.db,
    clock: rules.clock,
    random: rules.random,
    keyring: rules.keyring,
    keys: rules.keys,
    issuer: rules.issuer,
    audience: rules.audience,
    hasher: rules.hasher,
    passwordPolicy: rules.passwordPolicy,
    readUsername: rules.readUsername,
    attemptLimits: rules.attemptLimits,
    allow,
    serviceName: rules.serviceName,
    factors: rules.factors,
    makeReserve: rules.makeReserve,
    mfaPolicy: rules.mfaPolicy,
    mfaGraceUntil: rules.mfaGraceUntil,
    rememberDeviceSeconds: rules.rememberDeviceSeconds,
  };
}

/** Lists what the two faces with SimpleJWT's tokens are built on. */
function jwtDeps(parts: FaceParts) {
  const { config, rules } = parts;
  return {
    ...sharedDeps(parts),
    ...jwtSettings(config, rules.sessionPolicy),
    countForgery: rules.countForgery,
    loginField: rules.loginField,
    tokens: tokensUnder(config.simplejwtSigningKey, parts),
  };
}

function simplejwtDeps(parts: FaceParts): AuthDeps {
  return { ...jwtDeps(parts), faceRegistration: registrationBesideDjoser(parts) };
}

function djoserDeps(parts: FaceParts): DjoserDeps {
  const { config, rules, publicUrl } = parts;
  const jwt = jwtDeps(parts);
  return {
    ...jwt,
    publicUrl,
    faceRegistration: rules.registration,
    sessions: rules.sessions,
    checkOwnPassword: rules.checkOwnPassword,
    forgetFailures: rules.forgetFailures,
    mailedTokenSeconds: config.mailedTokenSeconds,
    userIdField: config.userIdField,
    djoser: djoserSettings(config, publicUrl, jwt.facePolicy.sessions),
  };
}

function tag1Deps(parts: FaceParts): Tag1Deps {
  const { config, rules, publicUrl } = parts;
  return {
    ...sharedDeps(parts),
    ...tag1Settings(config, rules.sessionPolicy),
    publicUrl,
    faceRegistration: registrationBesideDjoser(parts),
    sessions: rules.sessions,
    checkOwnPassword: rules.checkOwnPassword,
    mailedTokenSeconds: config.mailedTokenSeconds,
    model: config.loginField === "email" ? emailModel(rules) : usernameModel(rules),
    // Tag1 tokens are signed with the server's own key, because no other service could have
    // Django's.
    tokens: tokensUnder(undefined, parts),
  };
}

/** If Djoser requires activation, other faces do not register users, or they would bypass it. */
function registrationBesideDjoser({ config, rules }: FaceParts): RegistrationMode {
  const isActivating = isServed(config, "djoser") && config.djoserSendActivationEmail;
  return isActivating ? "closed" : rules.registration;
}

function tokensUnder(signingKey: Secret | undefined, { config, rules, authenticate }: FaceParts) {
  return createFaceTokens({
    clock: rules.clock,
    random: rules.random,
    keyring: rules.keyring,
    keys: rules.keys,
    issuer: rules.issuer,
    audience: rules.audience,
    feed: rules.feed,
    authenticate,
    signingKey,
    userIdField: config.userIdField,
  });
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
    headerTypes: config.simplejwtHeaderTypes,
    tokenTypes: config.simplejwtTokenClasses.map((name) =>
      name === "AccessToken" ? "access" : "sliding",
    ),
  } as const;
}

function djoserSettings(
  config: Config,
  publicUrl: string,
  sessions: SessionPolicy,
): DjoserSettings {
  return {
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
}

function tag1Settings(config: Config, native: SessionPolicy) {
  const { tag1TokenSeconds: tokenSeconds, tag1RefreshSeconds: refreshSeconds } = config;
  // The session lasts long enough for the last token that a refresh gives out to be as good as any.
  const lastingSeconds = refreshSeconds + tokenSeconds;
  return {
    facePolicy: facePolicyOf({
      ...native,
      accessTtlSeconds: tokenSeconds,
      idleTtlSeconds: lastingSeconds,
      sessionTtlSeconds: lastingSeconds,
    }),
    paths: config.tag1Paths,
    headerPrefix: config.tag1HeaderPrefix,
    tokenSeconds,
    refreshSeconds,
  };
}
