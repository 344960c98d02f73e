import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { deleteSelf, type DeleteSelfDeps } from "./delete-user.ts";

/** Serves the deletion of the caller's own account. */
export function deleteSelfRoutes(deps: DeleteSelfDeps): readonly Route[] {
  return [
    serve(endpoints.deleteMe, async (call) => {
      const { caller, input } = call;
      const outcome = await deleteSelf(
        deps,
        {
          userId: caller.userId,
          sessionId: caller.sessionId,
          hasShownFactor: caller.claims.acr === "aal2",
        },
        input.password,
        originOf(call),
      );
      switch (outcome.kind) {
        case "done":
        case "unknown":
          return answer(204);
        case "mismatched":
          return refuse("wrong_password");
        case "last_superuser":
          return refuse("last_superuser");
        case "throttled":
          return refuse("rate_limited", { retryAfterSeconds: outcome.retryAfterSeconds });
        case "busy":
          return refuse("busy");
      }
    }),
  ];
}
