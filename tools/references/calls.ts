import {
  endCauses,
  endpoints,
  failures,
  failuresOf,
  type Endpoint,
  type FailureCode,
} from "../../packages/contract/src/index.ts";
import { perClient } from "../../packages/server/src/records/attempts/budgets.ts";
import { code, note, page, paragraphs, table } from "./markdown.ts";

const calls: readonly Endpoint[] = Object.values(endpoints).toSorted((a, b) =>
  a.path === b.path ? (a.method < b.method ? -1 : 1) : a.path < b.path ? -1 : 1,
);
const callOf = ({ method, path }: Endpoint): string => code(`${method} ${path}`);

/** The kinds of call, and what a call of that kind can be refused with beside its own failures. */
const kinds: readonly {
  readonly title: string;
  readonly holds: (call: Endpoint) => boolean;
}[] = [
  { title: "every call", holds: () => true },
  {
    title: "a call with a body, a query or an id in its path",
    holds: ({ input, params, query }) => (input ?? params ?? query) !== undefined,
  },
  { title: "a call with a body", holds: ({ input }) => input !== undefined },
  {
    title: "a call with an access token",
    holds: ({ access }) => access === "user" || access === "superuser",
  },
  { title: "a call of superusers", holds: ({ access }) => access === "superuser" },
  { title: "a signed call", holds: ({ access }) => access === "signed" },
  { title: "a call with a budget", holds: ({ budget }) => budget !== undefined },
  { title: "a call with a step-up", holds: ({ stepUp }) => stepUp !== undefined },
];

/** The failures that all calls of a kind share, without those of a wider kind before it. */
const sharedFailures = kinds.map(({ title, holds }, index) => {
  const shared = (kind: (call: Endpoint) => boolean) => {
    const [first = [], ...others] = calls.filter(kind).map(failuresOf);
    return first.filter((failure) => others.every((list) => list.includes(failure)));
  };
  const wider = new Set(
    kinds
      .slice(0, index)
      .filter((kind) => calls.filter(holds).every(kind.holds))
      .flatMap((kind) => shared(kind.holds)),
  );
  return { title, codes: shared(holds).filter((failure) => !wider.has(failure)) };
});

function stepUpOf({ stepUp }: Endpoint): string {
  if (stepUp === undefined) return "";
  const minutes = `${stepUp.maxAgeSeconds / 60} min`;
  return stepUp.when === "always" ? `always, ${minutes}` : `with a factor, ${minutes}`;
}

const listed = (codes: readonly FailureCode[]): string => codes.map(code).join(", ");

export function endpointsPage(): string {
  const tags = new Set(Object.values(endpoints).map(({ tag }) => tag));
  return page(
    "Endpoints",
    paragraphs(
      `${note("the endpoints in `packages/contract/src/endpoints`")} These are the native calls; the paths of the Django faces are in [faces.md](../faces.md). The members of bodies and answers are in the OpenAPI document at \`/openapi.json\`, and at \`/docs\`.`,
    ),
    "## Access",
    table(
      ["access", "meaning"],
      [
        ["public", "The call reads no access token."],
        ["user", "The call needs an access token."],
        ["superuser", "The call needs an access token of a superuser."],
        [
          "signed",
          "The call needs no access token; its body is signed with a secret that the operator shares with the caller.",
        ],
      ],
    ),
    "## Budgets",
    paragraphs(
      "A budget limits the calls of one client address and of its subnet (IPv6: of a /64 and a /48). Over all calls with the same budget, so many are allowed:",
    ),
    table(
      ["budget", "for an address", "for a subnet", "within"],
      Object.entries(perClient).map(([name, { address, subnet, windowSeconds }]) => [
        name,
        String(address),
        String(subnet),
        `${windowSeconds / 60} min`,
      ]),
    ),
    "## Step-up",
    paragraphs(
      "A call with a step-up asks what the user has proven lately in this session. “Always” needs a proof of the second factor, or of the password if the account has no second factor. “With a factor” needs a proof only from users who have a second factor. The column names how old the proof may be. Without it the call is refused with `insufficient_user_authentication`, and `POST /v1/step-up` makes a new proof.",
    ),
    "## Failures that calls share",
    table(
      ["kind of call", "can be refused with"],
      sharedFailures.map(({ title, codes }) => [title, listed(codes)]),
    ),
    paragraphs(
      "The tables below list only what a call adds to these. [errors.md](errors.md) explains the codes.",
    ),
    ...[...tags].flatMap((tag) => [
      `## ${tag}`,
      table(
        ["call", "what it does", "access", "budget", "step-up", "own failures"],
        calls
          .filter((call) => call.tag === tag)
          .map((call) => [
            callOf(call),
            call.summary,
            call.access,
            call.budget ?? "",
            stepUpOf(call),
            listed(call.failures),
          ]),
      ),
    ]),
  );
}

const MOST_CALLS_NAMED = 4;

function placesOf(failure: FailureCode): string {
  const general = sharedFailures.filter(({ codes }) => codes.includes(failure));
  const shared = general.map(({ title }) => title);
  const own = calls.filter((call) => call.failures.includes(failure));
  const others =
    own.length > MOST_CALLS_NAMED ? [`${own.length} calls`] : own.map((call) => callOf(call));
  return [...shared, ...others].join(", ") || "an unknown path or method, before a call is found";
}

export function errorsPage(): string {
  return page(
    "Error codes",
    paragraphs(
      note("`packages/contract/src/failures.ts`"),
      "A refusal is a problem document (RFC 9457) with a stable `code`. Clients branch on the code; the title is for people and the same for every occurrence. A released code is frozen.",
    ),
    table(
      ["code", "status", "title", "sent by"],
      Object.entries(failures).map(([failure, { status, title }]) => [
        code(failure),
        String(status),
        title,
        placesOf(isFailure(failure) ? failure : "internal"),
      ]),
    ),
    "## Causes of an ended session",
    paragraphs(
      "The refusals `session_ended` and `invalid_refresh_token` carry the member `cause`, if the server knows why the session has ended. The list of sessions and the audit log show the same words.",
    ),
    endCauses.map((cause) => `- ${code(cause)}`).join("\n"),
  );
}

const isFailure = (name: string): name is FailureCode => name in failures;
