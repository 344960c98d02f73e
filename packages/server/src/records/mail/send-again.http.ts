import { endpoints } from "@portcullis/contract";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { originOf } from "../audit/origin.ts";
import { sendAgain, type SendAgainDeps } from "./dead-letters.ts";

/** Lets superusers send a failed mail again. */
export function sendAgainRoute(deps: SendAgainDeps): Route {
  return serve(endpoints.adminSendMailAgain, async (call) => {
    const outcome = await sendAgain(deps, call.params.id, originOf(call, "superuser"));
    switch (outcome.kind) {
      case "requeued":
        return answer(202);
      case "expired":
        return refuse("mail_expired");
      case "unknown":
        return refuse("not_found");
    }
  });
}
