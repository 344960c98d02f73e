import type { Contract, ContractSettings, FixtureUser, Suite } from "./contract.ts";

/** The settings and users with which a server answers as in one variant of a recording. */
export interface Setup {
  /** Settings by the names of their environment variables. */
  readonly settings: Settings;
  readonly users: readonly FixtureUser[];
}

type Settings = Readonly<Record<`PORTCULLIS_${string}`, string>>;

interface Changes {
  readonly settings: Settings;
  /** The users. The default is those of the recording. */
  readonly users?: readonly FixtureUser[];
}

/** The settings of the first variant of a suite, beside those that its recording spells out. */
const bases: Readonly<Record<Suite, Settings>> = {
  tag1: {
    PORTCULLIS_FACES: "tag1",
    PORTCULLIS_LOGIN_FIELD: "email",
    PORTCULLIS_USER_ID_FIELD: "number",
  },
  appliku: {
    PORTCULLIS_FACES: "simplejwt",
    PORTCULLIS_LOGIN_FIELD: "email",
    PORTCULLIS_USER_ID_FIELD: "id",
    PORTCULLIS_SIMPLEJWT_ROTATE_REFRESH_TOKENS: "on",
  },
  djoser: {
    PORTCULLIS_FACES: "djoser",
    PORTCULLIS_LOGIN_FIELD: "username",
    PORTCULLIS_USERNAMES: "django",
    PORTCULLIS_USER_ID_FIELD: "number",
    PORTCULLIS_SIMPLEJWT_ROTATE_REFRESH_TOKENS: "on",
    PORTCULLIS_DJOSER_SEND_ACTIVATION_EMAIL: "on",
  },
};

const shortTokens: Settings = {
  PORTCULLIS_SIMPLEJWT_ACCESS_TOKEN_LIFETIME: "3s",
  PORTCULLIS_SIMPLEJWT_REFRESH_TOKEN_LIFETIME: "7s",
};

/** The changes that the `about` of each variant describes. */
const variants: Readonly<Record<Suite, Readonly<Record<string, Changes>>>> = {
  tag1: {
    default: { settings: {} },
    djoser: { settings: { PORTCULLIS_TAG1_PATHS: "djoser" } },
    stock: {
      settings: {
        PORTCULLIS_TAG1_PATHS: "djoser",
        PORTCULLIS_LOGIN_FIELD: "username",
        PORTCULLIS_USERNAMES: "django",
      },
      users: [],
    },
    short: {
      settings: {
        PORTCULLIS_JWT_EXPIRATION_DELTA: "3s",
        PORTCULLIS_JWT_REFRESH_EXPIRATION_DELTA: "6s",
      },
    },
  },
  appliku: {
    default: { settings: {} },
    plain: {
      settings: {
        PORTCULLIS_SIMPLEJWT_ACCESS_TOKEN_LIFETIME: "300s",
        PORTCULLIS_SIMPLEJWT_REFRESH_TOKEN_LIFETIME: "86400s",
        PORTCULLIS_SIMPLEJWT_ROTATE_REFRESH_TOKENS: "off",
      },
    },
    short: { settings: shortTokens },
  },
  djoser: {
    default: { settings: {} },
    options: {
      settings: {
        PORTCULLIS_DJOSER_SEND_ACTIVATION_EMAIL: "off",
        PORTCULLIS_DJOSER_SEND_CONFIRMATION_EMAIL: "on",
        PORTCULLIS_DJOSER_USER_CREATE_PASSWORD_RETYPE: "on",
        PORTCULLIS_DJOSER_SET_PASSWORD_RETYPE: "on",
        PORTCULLIS_DJOSER_PASSWORD_RESET_CONFIRM_RETYPE: "on",
        PORTCULLIS_DJOSER_SET_USERNAME_RETYPE: "on",
        PORTCULLIS_DJOSER_USERNAME_RESET_CONFIRM_RETYPE: "on",
        PORTCULLIS_DJOSER_SHOW_EMAIL_NOT_FOUND: "on",
        PORTCULLIS_DJOSER_PASSWORD_CHANGED_EMAIL_CONFIRMATION: "on",
        PORTCULLIS_DJOSER_USERNAME_CHANGED_EMAIL_CONFIRMATION: "on",
        PORTCULLIS_DJOSER_HIDE_USERS: "off",
        PORTCULLIS_SIMPLEJWT_ROTATE_REFRESH_TOKENS: "off",
      },
    },
    token: {
      settings: {
        PORTCULLIS_DJOSER_SEND_ACTIVATION_EMAIL: "off",
        PORTCULLIS_DJOSER_TOKEN_LOGIN: "on",
      },
    },
    short: { settings: { ...shortTokens, PORTCULLIS_PASSWORD_RESET_TIMEOUT: "2s" } },
  },
};

/** @throws {RangeError} if the variant is unknown; the message names those that exist */
export function setupOf(suite: Suite, variant: string, contract: Contract): Setup {
  const changes = variants[suite][variant];
  const facts = contract.variants["default"]?.settings;
  if (changes === undefined || facts === undefined || contract.variants[variant] === undefined)
    throw new RangeError(
      `${suite} has no variant ${variant}, but ${Object.keys(variants[suite]).join(", ")}`,
    );
  return {
    settings: { ...bases[suite], ...settingsOf(suite, facts), ...changes.settings },
    users: changes.users ?? contract.fixtures.default.users,
  };
}

function settingsOf(suite: Suite, { mail, jwt }: ContractSettings): Settings {
  const { access_seconds: access, refresh_seconds: refresh } = jwt;
  return {
    PORTCULLIS_MAIL_FROM: mail.from,
    PORTCULLIS_SERVICE_NAME: mail.site_name,
    PORTCULLIS_FRONTEND_URL: `${mail.protocol}://${mail.domain}`,
    // The recording of tag1 has no key here, but a text that says that each user has one.
    ...(suite !== "tag1" && { PORTCULLIS_SIMPLEJWT_SIGNING_KEY: jwt.signing_key }),
    ...(access !== undefined && { PORTCULLIS_SIMPLEJWT_ACCESS_TOKEN_LIFETIME: `${access}s` }),
    ...(refresh !== undefined && { PORTCULLIS_SIMPLEJWT_REFRESH_TOKEN_LIFETIME: `${refresh}s` }),
  };
}
