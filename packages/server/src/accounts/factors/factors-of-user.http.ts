import { endpoints } from "@portcullis/contract";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import type { Db } from "../../platform/db/open.ts";
import { enrolledFactors, type Factor } from "../sign-in/factor.ts";
import { isDemanded, type PolicyDeps } from "../sign-in/policy.ts";
import { findUser } from "../users/users.store.ts";

export interface FactorsOfUserDeps extends Pick<PolicyDeps, "mfaPolicy"> {
  readonly db: Db;
  readonly factors: readonly Factor[];
}

/** Serves the kinds of factors of a user, for superusers. */
export function factorsOfUserRoutes(deps: FactorsOfUserDeps): readonly Route[] {
  return [
    serve(endpoints.adminGetFactors, async ({ params }) => {
      const user = await findUser(deps.db, params.id);
      if (user === undefined) return refuse("not_found");
      const enrolled = await enrolledFactors(deps.db, deps.factors, user.id);
      return answer(200, {
        factors: enrolled.map(({ name }) => name),
        required: isDemanded(deps.mfaPolicy, user),
      });
    }),
  ];
}
