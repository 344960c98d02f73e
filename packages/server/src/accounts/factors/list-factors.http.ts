import { endpoints } from "@portcullis/contract";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { isDemanded } from "../sign-in/policy.ts";
import { findUser, type User } from "../users/users.store.ts";
import { findEmailFactor } from "./email-codes.store.ts";
import { presentPasskey } from "./passkeys/own-passkeys.http.ts";
import { listPasskeys } from "./passkeys/passkeys.store.ts";
import { FEW } from "./recovery-codes.ts";
import { countCodes } from "./recovery-codes.store.ts";
import { listConfirmed } from "./totp.store.ts";
import type { FactorRoutesDeps } from "./enrolment.ts";

/** Serves the list of the caller's second factors. */
export function listFactorRoutes(deps: FactorRoutesDeps): readonly Route[] {
  return [
    serve(endpoints.getFactors, async ({ caller }) => {
      const user = await findUser(deps.db, caller.userId);
      return user === undefined
        ? refuse("session_ended", { cause: "user_deleted" })
        : answer(200, await factorsOf(deps, user));
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
