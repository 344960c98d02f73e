import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { accountOf } from "./account-of-caller.ts";
import { toAccount } from "./account.ts";
import { updateMe, type UpdateMeDeps } from "./update-me.ts";
import { refuseInput } from "./refusals.ts";

/** Serves the caller's own account. */
export function meRoutes(deps: UpdateMeDeps): readonly Route[] {
  return [
    serve(endpoints.getMe, async (call) => {
      const user = await accountOf(deps.db, call.caller);
      return user === undefined
        ? refuse("session_ended", { cause: "user_deleted" })
        : answer(200, toAccount(user));
    }),

    serve(endpoints.updateMe, async (call) => {
      const outcome = await updateMe(deps, call.caller.userId, call.input, originOf(call));
      switch (outcome.kind) {
        case "updated":
          return answer(200, toAccount(outcome.user));
        case "gone":
          return refuse("session_ended", { cause: "user_deleted" });
        case "paused":
          return refuse("account_paused");
        case "invalid":
          return refuseInput(outcome.problems);
      }
    }),
  ];
}
