import type { Endpoint } from "@portcullis/contract";
import assert from "node:assert/strict";
import type { Caller } from "../../platform/http/serve.ts";
import { accountOf } from "../users/account-of-caller.ts";
import { demandsOf, type Act, type ActOrPublic } from "./acts.ts";
import { endpointActs } from "./endpoint-acts.ts";
import { may, type Denial, type MayDeps } from "./may.ts";

const actOf: ReadonlyMap<string, ActOrPublic> = new Map(Object.entries(endpointActs));

function isOpenToEveryToken(act: Act): boolean {
  const { whilePaused, superuser, proof } = demandsOf(act);
  return whilePaused === true && superuser !== true && proof === undefined;
}

/**
 * Asks the policy on behalf of the native endpoints. An act that a paused account may do, too,
 * needs nothing but a valid token: the answer then comes without a database query or a promise,
 * which keeps `GET /v1/token` free of both. A disabled account's tokens have been revoked.
 */
export function createAuthorize(
  deps: MayDeps,
): (endpoint: Endpoint, caller: Caller) => Denial | undefined | Promise<Denial | undefined> {
  return ({ name }, caller) => {
    const act = actOf.get(name);
    assert(act !== undefined && act !== "public", `${name} names no act`);
    if (isOpenToEveryToken(act)) return undefined;
    return accountOf(deps.db, caller).then((account) =>
      may(deps, act, { account, claims: caller.claims }),
    );
  };
}
