/*
 * Django REST framework's dialect, for the faces: what DRF 3.14 on Django 3.2 does on the wire with
 * its default parsers and routers. A face declares its views and turns the rules' outcomes into
 * answers; requests, errors, negotiation, methods, slashes and OPTIONS are handled here.
 *
 *   const bearer: Authenticator<Account> = {
 *     challenge: 'Bearer realm="api"',
 *     authenticate: async (visit) => …,
 *     policy: { deps, actorOf: ({ account, claims }) => ({ account, claims }) },
 *   };
 *
 *   const setPassword = view<Account>({
 *     name: "djoser.set_password",                 // for log and metrics
 *     path: "/auth/users/set_password/",           // parameters are `{name}`; see `Place`
 *     title: "User", description: "",              // for OPTIONS
 *     authenticator: bearer,
 *     permission: isAuthenticated,                 // for OPTIONS and for 401 before 405
 *     methods: {
 *       POST: action({
 *         act: "changePassword",                   // for the policy, or "public"
 *         permission: isAuthenticated<Account>,    // makes `user` an Account; `allowAny` may
 *                                                  // leave it undefined
 *         throttle: async ({ client }) => deps.allow("credential", client),
 *         body: serializer({ new_password: text(), current_password: text() }),
 *         handle: async ({ user, input, params, client }) => {
 *           const outcome = await setOwnPassword(deps, …);
 *           if (outcome.kind === "mismatched")
 *             return fieldErrors({ current_password: ["Invalid password."] });
 *           return noContent();
 *         },
 *       }),
 *     },
 *   });
 *   createApp({ …, elsewhere: urls([setPassword, …]) });
 *
 * The checks come in DRF's order: format and Accept (404, 406), authentication (401), permission
 * (401, 403), policy (401, 403), method (405), throttle (429), body (413, 415, 400), fields (400),
 * `handle`. The policy is accounts/policies, which native endpoints ask, too: an action without an
 * act does not type-check, so no view can leave the question out. `body` may be a function of the
 * call, for checks that need the user or a parameter. `partial` is for PATCH, `members` for a body
 * without a serializer; without `body` none is read. GET also answers HEAD. Every 401 carries the
 * authenticator's challenge, even if a handler returned it.
 */
import { demandsOf, type Act, type ActOrPublic } from "../../../accounts/policies/acts.ts";
import { may, type Actor, type Denial, type MayDeps } from "../../../accounts/policies/may.ts";
import type { Allowance } from "../../../platform/http/steps/take-budget.ts";
import type { PageAnswer, Visit } from "../../../platform/http/page.ts";
import type { Json } from "../../../platform/http/serve.ts";
import {
  answer,
  detail,
  notAuthenticated,
  notFound,
  ok,
  permissionDenied,
  throttled,
  type Answer,
} from "./answers.ts";
import { answerToDenial } from "./denials.ts";
import type { Body } from "./fields.ts";
import { isAcceptable, isFormat } from "./media-types.ts";
import { parsed, readData } from "./parse.ts";

export type Authentication<User> =
  | { readonly kind: "anonymous" }
  | { readonly kind: "user"; readonly user: User }
  /**
   * The account is paused: `answer` is given, unless the request is for an act that a paused
   * account may do.
   */
  | { readonly kind: "paused"; readonly user: User; readonly answer: Answer }
  | { readonly kind: "refused"; readonly answer: Answer };

/** How a view asks the policy about its user. */
export interface ViewPolicy<User> {
  readonly deps: MayDeps;
  /** Returns `undefined` for a user without a session, who may do nothing but public acts. */
  readonly actorOf: (user: User) => Actor | undefined;
  /** Answers a refusal in the words of a face, in place of `answerToDenial`. */
  readonly answerTo?: (denial: Denial, act: Act) => Answer;
}

export interface Authenticator<User> {
  /** The `WWW-Authenticate` header of every 401. */
  readonly challenge: string;
  readonly authenticate: (visit: Visit) => Authentication<User> | Promise<Authentication<User>>;
  /** Undefined if the views identify no user and all their acts are public. */
  readonly policy: ViewPolicy<User> | undefined;
}

/** For a view that ignores credentials, even bad ones (`authentication_classes = ()`). */
export function nobody<User>(challenge: string): Authenticator<User> {
  return { challenge, authenticate: () => ({ kind: "anonymous" }), policy: undefined };
}

export type Admission<Admitted> =
  | { readonly kind: "admitted"; readonly user: Admitted }
  /** `words` replace DRF's own. A visitor without a user is asked to log in instead. */
  | { readonly kind: "denied"; readonly words?: string };

export type Permission<User, Admitted> = (
  user: User | undefined,
  visit: Visit,
) => Admission<Admitted> | Promise<Admission<Admitted>>;

export function allowAny<User>(user: User | undefined): Admission<User | undefined> {
  return { kind: "admitted", user };
}

export function isAuthenticated<User>(user: User | undefined): Admission<User> {
  return user === undefined ? { kind: "denied" } : { kind: "admitted", user };
}

/** A visit that has passed every check of its action. */
export interface Call<Admitted, Input> extends Visit {
  readonly user: Admitted;
  readonly input: Input;
}

/**
 * Names the act for the policy, or "public" if the act asks nothing about its user. It is a
 * function if the act depends on the parameters or on the user.
 */
export type ActOf<Admitted> =
  | ActOrPublic
  | ((call: Call<Admitted, undefined>) => ActOrPublic | Promise<ActOrPublic>);

interface ActionWithoutBody<User, Admitted> {
  readonly act: ActOf<Admitted>;
  /** Answers a user who lacks superuser rights, in place of DRF's 403. */
  readonly forbidden?: (call: Call<Admitted, undefined>) => Answer | Promise<Answer>;
  readonly permission: Permission<User, Admitted>;
  readonly throttle?: (visit: Visit) => Promise<Allowance>;
  readonly body?: never;
  readonly handle: (call: Call<Admitted, undefined>) => Answer | Promise<Answer>;
}

interface ActionWithBody<User, Admitted, Input> extends Omit<
  ActionWithoutBody<User, Admitted>,
  "body" | "handle"
> {
  readonly body: Body<Input> | ((call: Call<Admitted, undefined>) => Body<Input>);
  readonly handle: (call: Call<Admitted, Input>) => Answer | Promise<Answer>;
}

/** The user of a request, and how to ask the policy about them. */
interface Visitor<User> {
  readonly user: User | undefined;
  /** The answer for a paused account. Undefined if the account is not paused. */
  readonly paused: Answer | undefined;
  readonly policy: ViewPolicy<User> | undefined;
}

/** One method of a view, from the permission check on. */
export interface Action<User> {
  /** The act, or "varies" if it depends on the call. */
  readonly act: ActOrPublic | "varies";
  readonly run: (visitor: Visitor<User>, visit: Visit) => Promise<Answer>;
  /**
   * Describes the fields for OPTIONS. Returns `undefined` if the user may not do the act or no
   * fields are declared.
   */
  readonly describe: (
    user: User | undefined,
    visit: Visit,
  ) => Promise<Readonly<Record<string, Json>> | undefined>;
}

export function action<User, Admitted, Input>(
  given: ActionWithBody<User, Admitted, Input>,
): Action<User>;
export function action<User, Admitted>(given: ActionWithoutBody<User, Admitted>): Action<User>;
export function action<User, Admitted, Input>(
  given: ActionWithBody<User, Admitted, Input> | ActionWithoutBody<User, Admitted>,
): Action<User> {
  return {
    act: typeof given.act === "function" ? "varies" : given.act,
    run: async (visitor, visit) => {
      const { user } = visitor;
      const admitting = given.permission(user, visit);
      const admission = admitting instanceof Promise ? await admitting : admitting;
      if (admission.kind === "denied") return visitor.paused ?? denied(user, admission.words);
      const call = { ...visit, user: admission.user, input: undefined };
      const act = typeof given.act === "function" ? await given.act(call) : given.act;
      const denial = await denialOf(visitor, act);
      if (denial !== undefined)
        return denial.isForbidden && given.forbidden !== undefined
          ? given.forbidden(call)
          : denial.answer;
      const allowance = given.throttle === undefined ? undefined : await given.throttle(visit);
      if (allowance?.ok === false) return throttled(allowance.retryAfterSeconds);
      if (given.body === undefined) return given.handle(call);

      const read = await readData(visit);
      if (read.kind === "refused") return read.answer;
      const outcome = await bodyOf(given.body, call).read(read.data);
      return outcome.kind === "valid"
        ? given.handle({ ...call, input: outcome.input })
        : answer(400, outcome.errors);
    },
    describe: async (user, visit) => {
      const admission = await given.permission(user, visit);
      if (admission.kind === "denied" || given.body === undefined) return undefined;
      return bodyOf(given.body, { ...visit, user: admission.user, input: undefined }).facts;
    },
  };
}

interface Denied {
  readonly answer: Answer;
  /** Whether the user lacks the right itself, and not a proof. */
  readonly isForbidden: boolean;
}

/** Asks the policy. Returns `undefined` if the visitor may do the act. */
async function denialOf<User>(
  { user, paused, policy }: Visitor<User>,
  act: ActOrPublic,
): Promise<Denied | undefined> {
  const isServed = act !== "public" && demandsOf(act).whilePaused === true;
  if (paused !== undefined && !isServed) return { answer: paused, isForbidden: false };
  if (act === "public") return undefined;
  if (user === undefined || policy === undefined)
    return { answer: notAuthenticated(), isForbidden: false };
  const actor = policy.actorOf(user);
  if (actor === undefined) return { answer: permissionDenied(), isForbidden: false };
  const denial = await may(policy.deps, act, actor);
  if (denial === undefined) return undefined;
  return {
    answer: (policy.answerTo ?? answerToDenial)(denial, act),
    isForbidden: denial.code === "forbidden",
  };
}

type Verb = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** The name and path of a view. */
export interface Place {
  readonly name: string;
  /**
   * Parameters are written as `{name}`. If the path ends in a slash, the path without it redirects
   * here.
   */
  readonly path: `/${string}`;
  /** If set, the path without its slash also belongs to the view instead of redirecting. */
  readonly optionalSlash?: true;
  /**
   * The form of a parameter, without anchors. The default is anything without a slash or a full
   * stop.
   */
  readonly where?: Readonly<Record<string, RegExp>>;
  /**
   * The path at which the view's DefaultRouter is mounted. Its paths then also accept a format's
   * suffix, such as `users.json`.
   */
  readonly mount?: `/${string}/`;
}

export interface Definition<User> extends Place {
  readonly title: string;
  readonly description?: string;
  readonly authenticator: Authenticator<User>;
  readonly permission: Permission<User, unknown>;
  readonly methods: Readonly<Partial<Record<Verb, Action<User>>>>;
}

export interface View extends Place {
  /** The act of each method, as the policy names it. */
  readonly acts: Readonly<Partial<Record<Verb, Action<never>["act"]>>>;
  readonly visit: (visit: Visit) => Promise<PageAnswer>;
}

const verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"];

export function view<User>(definition: Definition<User>): View {
  const { title, description = "", authenticator, permission, methods, ...place } = definition;
  const actions = new Map(Object.entries(methods));
  const allow = [
    ...verbs.filter((verb) => actions.has(verb)),
    ...(actions.has("GET") ? ["HEAD"] : []),
    "OPTIONS",
  ].join(", ");
  const json = { allow, "content-type": "application/json" };
  return {
    ...place,
    acts: Object.fromEntries(Object.entries(methods).map(([verb, { act }]) => [verb, act])),
    visit: async (visit) => written(await answerTo(visit)),
  };

  async function answerTo(visit: Visit): Promise<Answer> {
    const format = visit.params["format"] ?? formatAsked(visit.target);
    if (format !== undefined && !isFormat(format)) return notFound();
    if (!isAcceptable(visit.header("accept")))
      return detail(406, "Could not satisfy the request Accept header.");

    const authentication = await authenticator.authenticate(visit);
    if (authentication.kind === "refused") return authentication.answer;
    const user = authentication.kind === "anonymous" ? undefined : authentication.user;
    const paused = authentication.kind === "paused" ? authentication.answer : undefined;
    const { method } = visit.request;
    const asked = actions.get(method === "HEAD" ? "GET" : method);
    if (asked !== undefined)
      return asked.run({ user, paused, policy: authenticator.policy }, visit);
    if (paused !== undefined) return paused;

    const admission = await permission(user, visit);
    if (admission.kind === "denied") return denied(user, admission.words);
    return method === "OPTIONS"
      ? ok(await describe(user, visit))
      : detail(405, `Method "${method}" not allowed.`);
  }

  async function describe(user: User | undefined, visit: Visit): Promise<Json> {
    const described: [string, Json][] = [];
    for (const verb of ["POST", "PUT"]) {
      const facts = await actions.get(verb)?.describe(user, visit);
      if (facts !== undefined) described.push([verb, facts]);
    }
    const about = { name: title, description, renders: ["application/json"], parses: parsed };
    return described.length === 0 ? about : { ...about, actions: Object.fromEntries(described) };
  }

  function written({ status, body, headers }: Answer): PageAnswer {
    if (body !== undefined && status !== 401 && headers === undefined)
      return { kind: "page", status, body: JSON.stringify(body), headers: json };
    return {
      kind: "page",
      status,
      body: body === undefined ? null : JSON.stringify(body),
      headers: {
        allow,
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(body === undefined && status !== 204 && { "content-length": "0" }),
        ...(status === 401 && { "www-authenticate": authenticator.challenge }),
        ...headers,
      },
    };
  }
}

/** Returns the last `format` of the query. An empty one counts as missing. */
function formatAsked(target: string): string | undefined {
  const mark = target.indexOf("?");
  const format =
    mark === -1 ? undefined : new URLSearchParams(target.slice(mark + 1)).getAll("format").at(-1);
  return format === "" ? undefined : format;
}

function denied(user: unknown, words: string | undefined): Answer {
  return user === undefined ? notAuthenticated() : permissionDenied(words);
}

function bodyOf<Asked, Input>(
  body: Body<Input> | ((call: Asked) => Body<Input>),
  call: Asked,
): Body<Input> {
  return typeof body === "function" ? body(call) : body;
}
