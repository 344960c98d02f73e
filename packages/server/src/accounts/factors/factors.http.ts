import { transact } from "../../platform/db/transact.ts";
import { endpoints } from "@portcullis/contract";
import assert from "node:assert/strict";
import { originOf } from "../../records/audit/origin.ts";
import type { Tx } from "../../platform/db/open.ts";
import { answer, refuse, serve, type Caller, type Route } from "../../platform/http/serve.ts";
import { isDemanded } from "../sign-in/policy.ts";
import { take, type TakeOutcome } from "../../records/attempts/attempts.store.ts";
import { findUser, type User } from "../users/users.store.ts";
import {
  changerOf,
  enrolInSession,
  removeInSession,
  type ChangeDeps,
  type EnrolOutcome,
  type RemoveOutcome,
} from "./change.ts";
import { beginEmailCodes, createEmailCodes, type EmailCodeDeps } from "./email-codes.ts";
import { deleteEmailFactor, findEmailFactor } from "./email-codes.store.ts";
import { presentPasskey } from "./passkeys/passkeys.http.ts";
import { listPasskeys } from "./passkeys/passkeys.store.ts";
import { FEW, renewCodes } from "./recovery-codes.ts";
import { countCodes } from "./recovery-codes.store.ts";
import { beginTotp, createTotp, findPending, type TotpDeps } from "./totp.ts";
import { deleteTotp, listConfirmed } from "./totp.store.ts";

export interface FactorRoutesDeps extends ChangeDeps, TotpDeps, EmailCodeDeps {}

const busy = refuse("busy", { retryAfterSeconds: 1 });

/** Own second factors; passkeys have routes of their own. */
export function factorRoutes(deps: FactorRoutesDeps): readonly Route[] {
  const [totp, email] = [createTotp(deps), createEmailCodes(deps)];
  return [
    serve(endpoints.getFactors, async ({ caller }) => {
      const user = await findUser(deps.db, caller.userId);
      return user === undefined
        ? refuse("session_ended", { cause: "user_deleted" })
        : answer(200, await factorsOf(deps, user));
    }),

    serve(endpoints.startTotp, async ({ caller, input }) => {
      const user = await findEnroller(deps, caller);
      if ("kind" in user) return user;
      const begun = await beginTotp(deps, {
        flow: { kind: "enrolment", id: caller.sessionId },
        user,
        name: input.name,
      });
      return begun.kind === "prepared" ? answer(201, begun.prepared) : refuse("too_many_factors");
    }),

    serve(endpoints.confirmTotp, async (call) => {
      const { id } = call.params;
      if ((await findPending(deps, call.caller.userId))?.id !== id) return refuse("not_found");
      const tried = await takeTry(deps, "totp", call.caller);
      if (tried.kind === "exhausted")
        return refuse("rate_limited", { retryAfterSeconds: tried.retryAfterSeconds });
      const { code, endOtherSessions = false } = call.input;
      const enrolling = {
        factor: totp,
        proof: { factor: "totp", code },
        endOtherSessions,
      } as const;
      const outcome = await enrolInSession(deps, changerOf(call), enrolling, originOf(call));
      if (outcome.kind !== "enrolled") return refuseEnrolment(outcome);
      assert(outcome.id !== undefined, "an authenticator app was confirmed without an id");
      return answer(200, {
        id: outcome.id,
        tokens: outcome.tokens,
        recoveryCodes: outcome.recoveryCodes,
      });
    }),

    serve(endpoints.removeTotp, async (call) => {
      const which = { id: call.params.id, userId: call.caller.userId };
      const removing = {
        name: "totp",
        remove: async (tx: Tx) => deleteTotp(tx, which),
        ...call.query,
      } as const;
      return afterRemoval(await removeInSession(deps, changerOf(call), removing, originOf(call)));
    }),

    serve(endpoints.makeRecoveryCodes, async (call) => {
      const outcome = await renewCodes(deps, changerOf(call), originOf(call));
      switch (outcome.kind) {
        case "renewed":
          return answer(201, { recoveryCodes: outcome.codes });
        case "no_factor":
        case "session_ended":
          return refuse(outcome.kind);
        case "off":
          return refuse("factors_off");
        case "insufficient":
          return outcome.refusal;
        case "busy":
          return busy;
      }
    }),

    serve(endpoints.startEmailCodes, async (call) => {
      const { caller } = call;
      const user = await findEnroller(deps, caller);
      if ("kind" in user) return user;
      const flow = { kind: "enrolment", id: caller.sessionId } as const;
      const begun = await beginEmailCodes(deps, {
        flow,
        user,
        client: call.client,
        origin: originOf(call),
      });
      switch (begun.kind) {
        case "prepared":
          return answer(202, {
            expiresAt: begun.prepared.expiresAt,
            resendAt: begun.prepared.resendAt,
          });
        case "no_address":
          return refuse("no_address");
        case "unavailable":
          return refuse("factor_unavailable");
        case "throttled":
          return refuse("rate_limited", { retryAfterSeconds: begun.retryAfterSeconds });
      }
    }),

    serve(endpoints.confirmEmailCodes, async (call) => {
      const tried = await takeTry(deps, "email", call.caller);
      if (tried.kind === "exhausted")
        return refuse("rate_limited", { retryAfterSeconds: tried.retryAfterSeconds });
      const { code, endOtherSessions = false } = call.input;
      const enrolling = {
        factor: email,
        proof: { factor: "email", code },
        endOtherSessions,
      } as const;
      const outcome = await enrolInSession(deps, changerOf(call), enrolling, originOf(call));
      if (outcome.kind !== "enrolled") return refuseEnrolment(outcome);
      return answer(200, { tokens: outcome.tokens, recoveryCodes: outcome.recoveryCodes });
    }),

    serve(endpoints.removeEmailCodes, async (call) => {
      const { userId } = call.caller;
      const removing = {
        name: "email",
        remove: async (tx: Tx) => deleteEmailFactor(tx, userId),
        ...call.query,
      } as const;
      return afterRemoval(await removeInSession(deps, changerOf(call), removing, originOf(call)));
    }),
  ];
}

async function factorsOf(deps: FactorRoutesDeps, user: User) {
  const { db } = deps;
  const [totp, passkeys] = [await listConfirmed(db, user.id), await listPasskeys(db, user.id)];
  const codes = await countCodes(db, user.id);
  return {
    required: isDemanded(deps.mfaPolicy, user),
    totp: totp.map(({ id, name, createdAt }) => ({ id, name, createdAt })),
    passkeys: passkeys.map(presentPasskey),
    email: (deps.emailCodes && (await findEmailFactor(db, user.id))) || null,
    recoveryCodes: codes === undefined ? null : { ...codes, few: codes.left <= FEW },
  };
}

async function findEnroller(deps: FactorRoutesDeps, { userId }: Caller) {
  if (deps.mfaPolicy === "off") return refuse("factors_off");
  const user = await findUser(deps.db, userId);
  return user === undefined || user.disabledAt !== null ? refuse("session_ended") : user;
}

/**
 * Whoever sets up a factor guesses at nobody's but their own: a limit of its own, so that the
 * sign-in's is left alone.
 */
async function takeTry(
  { db, clock }: FactorRoutesDeps,
  factor: "totp" | "email",
  { userId }: Caller,
): Promise<TakeOutcome> {
  const limit = { bucket: `${factor}-enrolment:${userId}`, limit: 10, windowSeconds: 600 };
  return transact({ db }, async (tx) => take(tx, limit, clock.now()));
}

function refuseEnrolment(outcome: Exclude<EnrolOutcome, { readonly kind: "enrolled" }>) {
  switch (outcome.kind) {
    case "mismatched":
      return refuse("invalid_code");
    case "session_ended":
      return refuse("session_ended");
    case "off":
      return refuse("factors_off");
    case "insufficient":
      return outcome.refusal;
    case "busy":
      return busy;
  }
}

function afterRemoval(outcome: RemoveOutcome) {
  if (outcome.kind === "removed") return answer(204);
  return outcome.kind === "insufficient" ? outcome.refusal : refuse(outcome.kind);
}
