import { endpoints } from "@portcullis/contract";
import { originOf } from "../../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../../platform/http/serve.ts";
import { changerOf, type ChangeDeps } from "../change.ts";
import { removePassword } from "./remove-password.ts";

/** Serves the removal of the password by a user who signs in by passkey only. */
export function removePasswordRoute(deps: ChangeDeps): Route {
  return serve(endpoints.removePassword, async (call) => {
    const outcome = await removePassword(deps, changerOf(call), originOf(call));
    if (outcome.kind === "removed") return answer(204);
    return outcome.kind === "insufficient" ? outcome.refusal : refuse(outcome.kind);
  });
}
