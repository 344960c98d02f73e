import { endpoints } from "@portcullis/contract";
import assert from "node:assert/strict";
import { originOf } from "../../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../../platform/http/serve.ts";
import { signTokens } from "../../sessions/open.ts";
import type { SignInRoutesDeps } from "../../sign-in/sign-in.ts";
import { findUser } from "../../users/users.store.ts";
import { changerOf, enrolInSession, type ChangeDeps } from "../change.ts";
import { removePasskey, renamePasskey } from "./own-passkeys.ts";
import { signInWithPasskey, startPasskeySignIn } from "./passkey-sign-in.ts";
import type { Passkey } from "./passkeys.store.ts";
import { createPasskeys, startRegistration, type PasskeyDeps } from "./passkeys.ts";
import { removePassword } from "./remove-password.ts";

export interface PasskeyRouteDeps extends ChangeDeps, PasskeyDeps, SignInRoutesDeps {}

export function passkeyRoutes(deps: PasskeyRouteDeps): readonly Route[] {
  const factor = createPasskeys(deps);
  return [
    serve(endpoints.startPasskey, async ({ caller }) => {
      if (deps.mfaPolicy === "off") return refuse("factors_off");
      const user = await findUser(deps.db, caller.userId);
      if (user === undefined || user.disabledAt !== null) return refuse("session_ended");
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

    serve(endpoints.renamePasskey, async (call) => {
      const which = { id: call.params.id, userId: call.caller.userId };
      const renamed = await renamePasskey(deps, which, call.input.name, originOf(call));
      return renamed === undefined ? refuse("not_found") : answer(200, presentPasskey(renamed));
    }),

    serve(endpoints.removePasskey, async (call) => {
      const asked = { id: call.params.id, endOtherSessions: call.query.endOtherSessions };
      const outcome = await removePasskey(deps, changerOf(call), asked, originOf(call));
      if (outcome.kind === "removed") return answer(204);
      return outcome.kind === "insufficient" ? outcome.refusal : refuse(outcome.kind);
    }),

    serve(endpoints.removePassword, async (call) => {
      const outcome = await removePassword(deps, changerOf(call), originOf(call));
      if (outcome.kind === "removed") return answer(204);
      return outcome.kind === "insufficient" ? outcome.refusal : refuse(outcome.kind);
    }),

    serve(endpoints.startPasskeySignIn, () => answer(201, startPasskeySignIn(deps))),

    serve(endpoints.signInWithPasskey, async (call) => {
      const asked = { policy: deps.signInPolicy, ...call.input };
      const outcome = await signInWithPasskey(deps, asked, originOf(call));
      if (outcome.kind === "refused") return refuse("invalid_passkey");
      return answer(201, {
        ...signTokens(deps, outcome.opened.grant),
        deviceToken: outcome.deviceToken,
      });
    }),
  ];
}

/** Returns a passkey in the form that its owner sees. */
export function presentPasskey({ id, name, createdAt, lastUsedAt, kind, suspectSince }: Passkey) {
  return { id, name, createdAt, lastUsedAt, synced: kind === "multi_device", suspectSince };
}
