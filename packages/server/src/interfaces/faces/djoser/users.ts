import type { Act } from "../../../accounts/policies/acts.ts";
import type { Visit } from "../../../platform/http/page.ts";
import type { Json } from "../../../platform/http/serve.ts";
import { updateEmail } from "../account/set-email.ts";
import { createAccount } from "../account/create-account.ts";
import {
  deleteSelf,
  removeUser,
  type DeleteSelfOutcome,
} from "../../../accounts/users/delete-user.ts";
import { listUsers, type User } from "../../../accounts/users/users.store.ts";
import {
  bareErrors,
  busy,
  created,
  fieldErrors,
  noContent,
  notFound,
  ok,
  permissionDenied,
  type Answer,
} from "../drf/answers.ts";
import { optional, partial, readOnly, serializer, type Body } from "../drf/fields.ts";
import {
  action,
  allowAny,
  isAuthenticated,
  view,
  type Action,
  type Authenticator,
  type Call,
  type View,
} from "../drf/view.ts";
import { accountOf, findById } from "./account.ts";
import { originOfCaller, signedIn, userViewSet, type Caller } from "./caller.ts";
import type { DjoserDeps } from "./deps.ts";
import { addressOf, emailField, nameField, plainField, when } from "./fields.ts";
import { form, type Form } from "./form.ts";
import { linkLetter, newsLetter, nothingElse } from "./letters.ts";
import { badPassword, nameTaken, notRepeated, unmatched, unusableName } from "./words.ts";
import { originOf } from "../../../records/audit/origin.ts";

/**
 * The largest number of users in one answer. The original lists all of them; here further ones
 * follow page by page.
 */
const MOST_LISTED = 1000;

/** The views of accounts: the list, the caller's own account, and each account by its id. */
export function userViews(deps: DjoserDeps, authenticator: Authenticator<Caller>): readonly View[] {
  const common = userViewSet(deps, authenticator);
  const { prefix } = deps.djoser;
  const self = (call: Call<Caller, unknown>): User => call.user.account;
  const ownChange = actOfUpdate(deps);
  return [
    view<Caller>({
      ...common,
      name: "djoser.users",
      path: `${prefix}/users/`,
      methods: {
        GET: action({
          act: ({ user: { account } }) => {
            if (account.superuserSince !== null) return "listUsers";
            return deps.djoser.hideUsers ? "readOwnAccount" : "browseUsers";
          },
          permission: isAuthenticated<Caller>,
          handle: async (call) => list(deps, call),
        }),
        POST: registration(deps),
      },
    }),
    view<Caller>({
      ...common,
      name: "djoser.me",
      path: `${prefix}/users/me/`,
      methods: {
        GET: action({
          act: "readOwnAccount",
          permission: isAuthenticated<Caller>,
          handle: (call) => ok(accountOf(deps, self(call))),
        }),
        PUT: action({
          act: ownChange,
          permission: isAuthenticated<Caller>,
          body: serializer(changeable(deps)),
          handle: async (call) => update(deps, self(call), call),
        }),
        PATCH: action({
          act: ownChange,
          permission: isAuthenticated<Caller>,
          body: partial(changeable(deps)),
          handle: async (call) => update(deps, self(call), call),
        }),
        DELETE: action({
          act: "deleteAccount",
          permission: isAuthenticated<Caller>,
          body: form({ current_password: plainField() }),
          handle: async (call) => remove(deps, self(call), call),
        }),
      },
    }),
    view<Caller>({
      ...common,
      name: "djoser.user",
      path: `${prefix}/users/{id}/`,
      methods: {
        GET: action({
          act: (call) => (isOwn(deps, call) ? "readOwnAccount" : "readUser"),
          forbidden: async (call) => hide(deps, call),
          permission: isAuthenticated<Caller>,
          handle: async ({ params }) => {
            const user = await findById(deps, params["id"] ?? "");
            return user === undefined ? notFound() : ok(accountOf(deps, user));
          },
        }),
        PUT: aimed(deps, [ownChange, "changeUser"], serializer(changeable(deps)), update),
        PATCH: aimed(deps, [ownChange, "changeUser"], partial(changeable(deps)), update),
        DELETE: aimed(
          deps,
          ["deleteAccount", "deleteUser"],
          form({ current_password: plainField() }),
          remove,
        ),
      },
    }),
  ];
}

/** Names the act of an update. If users log in by username, the update changes the address. */
const actOfUpdate = ({ loginField }: DjoserDeps): Act =>
  loginField === "username" ? "changeEmail" : "changeOwnProfile";

const changeable = ({ loginField }: DjoserDeps) => ({
  ...(loginField === "username" ? { email: optional(emailField({ allowBlank: true })) } : {}),
  id: readOnly("integer", "ID"),
  [loginField]: readOnly("string"),
});

function registration(deps: DjoserDeps): Action<Caller> {
  const { loginField } = deps;
  return action({
    act: "public",
    permission: allowAny<Caller>,
    throttle: async ({ client }) => deps.allow("registration", client),
    body: form({
      ...when(loginField === "username", { email: optional(emailField({ allowBlank: true })) }),
      [loginField]: nameField(loginField),
      password: plainField(),
      ...when(deps.djoser.retype.create, { re_password: plainField() }),
    }),
    handle: async ({ input, ...visit }) => register(deps, input, visit),
  });
}

async function register(deps: DjoserDeps, { values }: Form, visit: Visit): Promise<Answer> {
  const { loginField, djoser } = deps;
  const account = {
    registration: deps.faceRegistration,
    address: values["email"] ? addressOf(values["email"]) : null,
    username: values["username"] ?? null,
    password: values["password"] ?? "",
    repeated: values["re_password"],
    mayShareAddress: loginField === "username",
    paused: djoser.sendActivation,
  };
  const letter = djoser.sendActivation
    ? linkLetter(deps, "djoser_activation")
    : djoser.sendConfirmation
      ? newsLetter(deps, "djoser_confirmation")
      : nothingElse;
  const outcome = await createAccount(deps, account, originOf(visit), letter);
  switch (outcome.kind) {
    case "created":
      return created(accountOf(deps, outcome.user));
    case "closed":
      return permissionDenied("Registration is closed.");
    case "email_taken":
      return nameTaken("email", "email");
    case "username_taken":
      return takenAsWritten(deps, account.username ?? "")
        ? nameTaken("username", "username")
        : bareErrors("Unable to create account.");
    case "invalid_username":
    case "address_as_username":
      return unusableName("username", outcome.kind);
    case "unacceptable_password":
      return badPassword("password", outcome.complaints);
    case "not_repeated":
      return notRepeated("password");
    case "busy":
      return busy();
  }
}

/**
 * Tells whether to name the field. The original compares usernames as they are written; a clash of
 * the normal forms is found when the row is inserted, too late to name the field.
 */
function takenAsWritten(deps: DjoserDeps, username: string): boolean {
  const read = deps.readUsername(username);
  return read.kind === "username" && read.username === username;
}

async function list(deps: DjoserDeps, call: Call<Caller, undefined>): Promise<Answer> {
  const { account } = call.user;
  if (deps.djoser.hideUsers && account.superuserSince === null)
    return ok([accountOf(deps, account)]);
  const after = Number(new URLSearchParams(call.target.split("?", 2)[1]).get("after") ?? 0);
  const page = { after: Number.isSafeInteger(after) ? after : 0, limit: MOST_LISTED };
  const users = await listUsers(deps.db, page);
  const last = users.length === MOST_LISTED ? users.at(-1) : undefined;
  const body = users.map((user): Json => accountOf(deps, user));
  if (last === undefined) return ok(body);
  const next = `${deps.publicUrl}${deps.djoser.prefix}/users/?after=${last.number}`;
  return { ...ok(body), headers: { link: `<${next}>; rel="next"` } };
}

/** Whether the path names the caller's own account. */
function isOwn(
  { tokens }: DjoserDeps,
  { user: { account }, params }: Call<Caller, unknown>,
): boolean {
  return params["id"] === String(tokens.idOf(account));
}

/** Answers a user without superuser rights about an account that is not their own. */
async function hide(deps: DjoserDeps, { params, request }: Call<Caller, unknown>): Promise<Answer> {
  if ((await findById(deps, params["id"] ?? "")) === undefined) return notFound();
  return deps.djoser.hideUsers && request.method !== "DELETE" ? notFound() : permissionDenied();
}

/**
 * Makes an action on the account that the path names: the caller's own, or any account for a
 * superuser. If the account does not exist, the answer is 404 even if the body is invalid, too.
 */
function aimed<Input>(
  deps: DjoserDeps,
  [own, ofOther]: readonly [own: Act, ofOther: Act],
  body: Body<Input>,
  act: (deps: DjoserDeps, user: User, call: Call<Caller, Input>) => Promise<Answer>,
): Action<Caller> {
  type Shot =
    | { readonly kind: "user"; readonly user: User; readonly input: Input }
    | { readonly kind: "none" };
  return action({
    act: (call) => (isOwn(deps, call) ? own : ofOther),
    forbidden: async (call) => hide(deps, call),
    permission: isAuthenticated<Caller>,
    body: ({ params }: Call<Caller, undefined>): Body<Shot> => ({
      ...(body.facts !== undefined && { facts: body.facts }),
      read: async (data) => {
        const user = await findById(deps, params["id"] ?? "");
        if (user === undefined) return { kind: "valid", input: { kind: "none" } };
        const outcome = await body.read(data);
        return outcome.kind === "invalid"
          ? outcome
          : { kind: "valid", input: { kind: "user", user, input: outcome.input } };
      },
    }),
    handle: async ({ input: shot, ...call }) =>
      shot.kind === "none" ? notFound() : act(deps, shot.user, { ...call, input: shot.input }),
  });
}

/**
 * Updates a user. An activation mail follows every update, as in the original, but only a new
 * address pauses the account.
 */
async function update(
  deps: DjoserDeps,
  user: User,
  call: Call<Caller, { readonly email?: string | undefined }>,
): Promise<Answer> {
  const { email } = call.input;
  const { sendActivation } = deps.djoser;
  const next =
    email === undefined
      ? undefined
      : { address: email === "" ? null : addressOf(email), mayShare: true, pauses: sendActivation };
  const letter = sendActivation ? linkLetter(deps, "djoser_activation") : nothingElse;
  const outcome = await updateEmail(
    deps,
    user.id,
    { next, also: letter },
    originOfCaller(call.user, call, actingOn(user, call)),
  );
  switch (outcome.kind) {
    case "changed":
      return ok(accountOf(deps, outcome.user));
    case "unknown":
      return notFound();
    case "email_taken":
      return nameTaken("email", "email");
    case "email_needed":
      return fieldErrors({ email: ["This field may not be blank."] });
  }
}

async function remove(deps: DjoserDeps, user: User, call: Call<Caller, Form>): Promise<Answer> {
  const who = signedIn(call.user);
  const origin = originOfCaller(call.user, call, actingOn(user, call));
  const password = call.input.values["current_password"] ?? "";
  if (user.id === who.userId) return answerToRemoval(await deleteSelf(deps, who, password, origin));
  const own = await deps.checkOwnPassword(who, password, origin);
  return answerToRemoval(own.kind === "matched" ? await removeUser(deps, user.id, origin) : own);
}

function answerToRemoval(outcome: DeleteSelfOutcome): Answer {
  switch (outcome.kind) {
    case "done":
      return noContent();
    case "unknown":
      return notFound();
    case "last_superuser":
      return permissionDenied("The last superuser cannot be deleted.");
    default:
      return unmatched(outcome);
  }
}

function actingOn(user: User, { user: { account } }: Call<Caller, unknown>): "user" | "superuser" {
  return user.id === account.id ? "user" : "superuser";
}
