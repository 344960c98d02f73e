import type { Db } from "../../../platform/db/open.ts";
import type { Json } from "../../../platform/http/serve.ts";
import type { NewAccount } from "../account/create-account.ts";
import { readDjangoAddress } from "../../../accounts/users/spelled-address.ts";
import type { ReadUsername } from "../../../accounts/users/username.ts";
import {
  findByIdentifier,
  findBySpelling,
  type User,
} from "../../../accounts/users/users.store.ts";
import {
  email,
  optional,
  readOnly,
  serializer,
  text,
  username,
  type Body,
  type Field,
} from "../drf/fields.ts";
import { isEmail, type Validator } from "../drf/validators.ts";

/**
 * The field that users log in by. The tutorial's own user model has `email`; Django's stock model,
 * with which the tutorial begins, has `username`.
 */
export type LoginField = "email" | "username";

export interface ModelDeps {
  readonly db: Db;
  readonly readUsername: ReadUsername;
}

type Names = Pick<NewAccount, "address" | "username" | "mayShareAddress">;

/** One of the tutorial's two user models. */
export interface UserModel {
  readonly loginField: LoginField;
  /**
   * Returns the login that a token carries. The token is refused if the user's login is another one
   * by now.
   */
  loginOf(user: User): string;
  shown(user: User, id: string | number): Json;
  readonly registration: Body<Names & Pick<NewAccount, "password">>;
  /**
   * The address that a user may set without the password. Undefined if none is sent or the model
   * does not permit it.
   */
  readonly update: Body<NewAccount["address"] | undefined>;
  /** The new login and the current password. */
  readonly newLogin: Body<{ readonly login: string; readonly currentPassword: string }>;
  /** The complaint if another user has the login. */
  readonly taken: string;
}

export function emailModel({ db }: ModelDeps): UserModel {
  const taken = "spa user with this email address already exists.";
  const unique: Validator = async (value) => {
    const read = readDjangoAddress(value);
    return read === undefined ||
      (await findBySpelling(db, { ...read, address: value })) === undefined
      ? []
      : [taken];
  };
  const own = email({ label: "Email address", maxLength: 255, validators: [isReadable, unique] });
  return {
    loginField: "email",
    loginOf: (user) => user.email ?? "",
    shown: (user, id) => ({ id, email: user.email ?? "" }),
    registration: as(
      serializer({ email: own, id, password: text() }),
      ({ email: given, password }) => ({
        address: addressOf(given),
        username: null,
        mayShareAddress: "in_other_letters" as const,
        password,
      }),
    ),
    update: as(serializer({ id, email: readOnly("email", "Email address") }), () => undefined),
    newLogin: newLogin("new_email", own),
    taken,
  };
}

export function usernameModel({ db, readUsername }: ModelDeps): UserModel {
  const taken = "A user with that username already exists.";
  // A clash that appears only after normalisation is found when the row is inserted, and gets
  // another message, as in the original.
  const unique: Validator = async (value) => {
    const read = readUsername(value);
    if (read.kind === "refused" || read.username !== value) return [];
    return (await findByIdentifier(db, { usernameCanonical: read.canonical })) === undefined
      ? []
      : [taken];
  };
  const own = username({ validators: [unique] });
  const address = optional(
    email({ label: "Email address", maxLength: 254, allowBlank: true, validators: [isReadable] }),
  );
  return {
    loginField: "username",
    loginOf: (user) => user.username ?? "",
    shown: (user, id) => ({ email: user.email ?? "", id, username: user.username ?? "" }),
    registration: as(
      serializer({ email: address, username: own, id, password: text() }),
      ({ email: given = "", username: name, password }) => ({
        address: addressOf(given),
        username: name,
        mayShareAddress: true,
        password,
      }),
    ),
    update: as(
      serializer({ email: address, id, username: readOnly("string") }),
      ({ email: given }) => (given === undefined ? undefined : addressOf(given)),
    ),
    newLogin: newLogin("new_username", own),
    taken,
  };
}

const id = readOnly("integer", "ID");

function newLogin(name: string, field: Field<string>): UserModel["newLogin"] {
  const fields: Readonly<Record<string, Field<string>>> = {
    current_password: text(),
    [name]: field,
  };
  return as(
    serializer(fields),
    ({ current_password: currentPassword = "", [name]: login = "" }) => ({
      login,
      currentPassword,
    }),
  );
}

/**
 * We refuse a few addresses that Django accepts. What Django refuses, its own validator complains
 * about.
 */
const isReadable: Validator = (value) =>
  readDjangoAddress(value) === undefined && isEmail(value) ? ["Enter a valid email address."] : [];

export function addressOf(given: string): NewAccount["address"] {
  return readDjangoAddress(given) ?? null;
}

function as<From, To>({ facts, read }: Body<From>, to: (input: From) => To): Body<To> {
  return {
    ...(facts !== undefined && { facts }),
    read: async (data) => {
      const outcome = await read(data);
      return outcome.kind === "valid" ? { kind: "valid", input: to(outcome.input) } : outcome;
    },
  };
}
