import { originOf } from "../../../records/audit/origin.ts";
import { findPending, openSecret, uriOf } from "../../../accounts/factors/totp.ts";
import { listConfirmed, type TotpDevice } from "../../../accounts/factors/totp.store.ts";
import type { Visit } from "../../../platform/http/page.ts";
import { enrolInChallenge } from "../../../accounts/sign-in/challenge.ts";
import type { User } from "../../../accounts/users/users.store.ts";
import { created, ok, permissionDenied, throttled, type Answer } from "../drf/answers.ts";
import { action, isAuthenticated, view, type Place, type View } from "../drf/view.ts";
import {
  isOtpVerified,
  isWaiting,
  jwtAuthenticator,
  UNVERIFIED,
  type Presenter,
} from "./authenticator.ts";
import { standingFactors } from "./devices.ts";
import type { Entrant } from "./pending.ts";
import { removeDevices } from "./remove-devices.ts";
import { reasonNotToEnrol, showFactor } from "./second-step.ts";
import type { SessionsDeps } from "./sessions.ts";
import { refuseRequest, tokenOf, type Holder } from "./tokens.ts";

export function totpCreateView(deps: SessionsDeps, place: Place): View {
  return view<Presenter>({
    ...place,
    title: "Totp Create",
    description: "Use this endpoint to set up a new TOTP device",
    authenticator: jwtAuthenticator(deps),
    permission: isAuthenticated,
    methods: {
      GET: action({
        act: ({ user }) => (isWaiting(user) ? "public" : "addFactor"),
        permission: isAuthenticated<Presenter>,
        handle: async ({ user: who, ...visit }) =>
          "claim" in who ? createAtLogin(deps, who, visit) : createInSession(deps, who, visit),
      }),
    },
  });
}

/**
 * Sets up a device during a login, only if the user must have one and has none. The second step of
 * the login confirms it.
 */
async function createAtLogin(
  deps: SessionsDeps,
  { user, claim }: Entrant,
  visit: Visit,
): Promise<Answer> {
  const outcome = await enrolInChallenge(
    deps,
    { policy: deps.facePolicy, ...claim, factor: "totp" },
    originOf(visit),
  );
  switch (outcome.kind) {
    case "prepared":
      return shown(deps, user, await findOwn(deps, user, claim.challengeId));
    case "invalid_challenge":
      return refuseRequest("undecodable");
    case "throttled":
      return throttled(outcome.retryAfterSeconds);
    case "unavailable":
    case "no_address":
      return permissionDenied(UNVERIFIED);
  }
}

/** Shows the secret on each request until the device is confirmed, and never after that (MF-09). */
async function createInSession(deps: SessionsDeps, holder: Holder, visit: Visit): Promise<Answer> {
  const { user, bearer } = holder;
  const denied = await reasonNotToEnrol(deps, holder);
  if (denied !== undefined) return denied;
  if ((await listConfirmed(deps.db, user.id)).length > 0)
    return permissionDenied("The secret of a confirmed device is not shown again.");
  const device = await findOwn(deps, user, bearer.sessionId);
  if (device !== undefined) return shown(deps, user, device);
  const asked = {
    flow: { kind: "enrolment", id: bearer.sessionId },
    user,
    origin: originOf({ ...visit, caller: bearer }),
  } as const;
  await deps.factors.find(({ name }) => name === "totp")?.enrolment?.begin(asked);
  return shown(deps, user, await findOwn(deps, user, bearer.sessionId));
}

/**
 * Finds the unconfirmed device that this flow began. The secret of one that was begun elsewhere may
 * be known to another person.
 */
async function findOwn(
  deps: SessionsDeps,
  { id }: User,
  flowId: string,
): Promise<TotpDevice | undefined> {
  const device = await findPending(deps, id);
  return device?.flowId === flowId ? device : undefined;
}

/**
 * Answers with the address of the device as a JSON text. The device is `undefined` if another call
 * has confirmed or removed it since.
 */
function shown(
  { keyring, model }: SessionsDeps,
  user: User,
  device: TotpDevice | undefined,
): Answer {
  if (device === undefined) return permissionDenied();
  const { id, secretSealed, digits, periodSeconds } = device;
  const secret = openSecret(keyring, id, secretSealed);
  return created(uriOf({ secret, label: model.loginOf(user), digits, periodSeconds }));
}

export function totpLoginView(deps: SessionsDeps, place: Place): View {
  return view<Presenter>({
    ...place,
    title: "Totp Verify",
    description: "Use this endpoint to verify/enable a TOTP device",
    authenticator: jwtAuthenticator(deps),
    permission: isAuthenticated,
    methods: {
      POST: action({
        // A code that confirms a device adds a factor, and `showFactor` asks about that, too.
        act: ({ user }) => (isWaiting(user) ? "public" : "stepUp"),
        permission: isAuthenticated<Presenter>,
        handle: async (call) =>
          showFactor(deps, call, { factor: "totp", code: call.params["code"] ?? "" }),
      }),
    },
  });
}

export function totpDeleteView(deps: SessionsDeps, place: Place): View {
  const permission = isOtpVerified(deps);
  return view<Presenter>({
    ...place,
    title: "Totp Delete",
    description: "Use this endpoint to delete a TOTP device",
    authenticator: jwtAuthenticator(deps),
    permission,
    methods: {
      POST: action({
        act: async ({ user: { user } }) => {
          const standing = await standingFactors(deps, deps.db, user.id);
          return standing.length === 0 ? "replaceSessions" : "removeFactor";
        },
        permission,
        handle: async ({ user: holder, ...visit }) => {
          const outcome = await removeDevices(deps, holder, visit);
          switch (outcome.kind) {
            case "removed":
              return ok({ token: tokenOf(deps, outcome.grant, outcome.user, null) });
            case "ended":
              return refuseRequest("undecodable");
            case "unverified":
              return permissionDenied(UNVERIFIED);
            case "demanded":
              return permissionDenied("This account must have a second factor.");
          }
        },
      }),
    },
  });
}
