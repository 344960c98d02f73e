import { endpoints } from "@portcullis/contract";
import assert from "node:assert/strict";
import { originOf } from "../../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../../platform/http/serve.ts";
import type { SignInRoutesDeps } from "../../sign-in/sign-in.ts";
import { changerOf, enrolInSession, type ChangeDeps } from "../change.ts";
import { findEnroller } from "../enrolment.ts";
import { createPasskeys, startRegistration, type PasskeyDeps } from "./passkeys.ts";

export interface RegisterPasskeyDeps extends ChangeDeps, PasskeyDeps, SignInRoutesDeps {}

/** Serves the two steps in which a signed-in user adds a passkey. */
export function registerPasskeyRoutes(deps: RegisterPasskeyDeps): readonly Route[] {
  const factor = createPasskeys(deps);
  return [
    serve(endpoints.startPasskey, async ({ caller }) => {
      const user = await findEnroller(deps, caller);
      if ("kind" in user) return user;
      const begun = await startRegistration(deps, caller.sessionId, user);
      if (begun.kind === "begun") return answer(201, begun.creation);
      return refuse(begun.kind === "gone" ? "session_ended" : "too_many_factors");
    }),

    serve(endpoints.addPasskey, async (call) => {
      const { ceremonyId, credential, name, endOtherSessions = false } = call.input;
      const proof = { factor: "passkey", ceremonyId, credential } as const;
      const outcome = await enrolInSession(
        deps,
        changerOf(call),
        { policy: deps.signInPolicy.sessions, factor, proof, name, endOtherSessions },
        originOf(call),
      );
      switch (outcome.kind) {
        case "enrolled": {
          const { id, tokens, recoveryCodes } = outcome;
          assert(id !== undefined, "a passkey was enrolled without an id");
          return answer(201, { id, tokens, recoveryCodes });
        }
        case "mismatched":
          return refuse("invalid_passkey");
        case "off":
          return refuse("factors_off");
        case "session_ended":
          return refuse("session_ended");
        case "insufficient":
          return outcome.refusal;
        case "busy":
          return refuse("busy");
      }
    }),
  ];
}
