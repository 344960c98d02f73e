import { endpoints } from "@portcullis/contract";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { originOf } from "../../records/audit/origin.ts";
import { changePassword, type ChangePasswordDeps } from "./change-password.ts";

export function changePasswordRoute(deps: ChangePasswordDeps): Route {
  return serve(endpoints.changePassword, async (call) => {
    const { caller, input } = call;
    const outcome = await changePassword(
      deps,
      { userId: caller.userId, sessionId: caller.sessionId },
      input,
      originOf(call),
    );
    switch (outcome.kind) {
      case "changed":
        return answer(200, outcome.tokens);
      case "session_ended":
        return refuse("session_ended");
      case "unacceptable_password":
        return refuse("unacceptable_password", { reason: outcome.reason });
      case "mismatched":
        return refuse("wrong_password");
      case "throttled":
        return refuse("rate_limited", { retryAfterSeconds: outcome.retryAfterSeconds });
      case "busy":
        return refuse("busy");
    }
  });
}
