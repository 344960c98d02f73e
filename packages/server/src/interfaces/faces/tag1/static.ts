import { originOf } from "../../../records/audit/origin.ts";
import { renewCodes } from "../../../accounts/factors/recovery-codes.ts";
import { busy, created, permissionDenied, type Answer } from "../drf/answers.ts";
import { action, isAuthenticated, view, type Call, type Place, type View } from "../drf/view.ts";
import {
  isOtpVerified,
  isWaiting,
  jwtAuthenticator,
  UNVERIFIED,
  type Presenter,
} from "./authenticator.ts";
import { showFactor, SWITCHED_OFF } from "./second-step.ts";
import type { SessionsDeps } from "./sessions.ts";
import { refuseRequest, type Holder } from "./tokens.ts";

/** Codes in the form of django-otp and in our own. */
export const STATIC_CODE = /[a-z2-9]{7,8}|[a-z2-9]{5}-?[a-z2-9]{5}/;

const FORM = { count: 6, length: 8 };

export function staticCreateView(deps: SessionsDeps, place: Place): View {
  const permission = isOtpVerified(deps);
  return view<Presenter>({
    ...place,
    title: "Static Create",
    description: "Use this endpoint to create static recovery codes.",
    authenticator: jwtAuthenticator(deps),
    permission,
    methods: {
      GET: action({
        act: "makeRecoveryCodes",
        permission,
        handle: async (call) => create(deps, call),
      }),
    },
  });
}

/**
 * Replaces all earlier codes by six new ones. They stand in for a device, so a user without one
 * gets none.
 */
async function create(
  deps: SessionsDeps,
  { user: { bearer }, ...visit }: Call<Holder, undefined>,
): Promise<Answer> {
  const outcome = await renewCodes(deps, bearer, originOf({ ...visit, caller: bearer }), FORM);
  switch (outcome.kind) {
    case "renewed":
      return created(outcome.codes);
    case "off":
      return permissionDenied(SWITCHED_OFF);
    case "no_factor":
      return permissionDenied("Set up a device first: emergency codes take its place.");
    case "insufficient":
      return permissionDenied(UNVERIFIED);
    case "session_ended":
      return refuseRequest("undecodable");
    case "busy":
      return busy();
  }
}

export function staticLoginView(deps: SessionsDeps, place: Place): View {
  return view<Presenter>({
    ...place,
    title: "Static Verify",
    description: "Use this endpoint to verify a static recovery code.",
    authenticator: jwtAuthenticator(deps),
    permission: isAuthenticated,
    methods: {
      POST: action({
        act: ({ user }) => (isWaiting(user) ? "public" : "stepUp"),
        permission: isAuthenticated<Presenter>,
        handle: async (call) =>
          showFactor(deps, call, { factor: "recovery_codes", code: call.params["code"] ?? "" }),
      }),
    },
  });
}
