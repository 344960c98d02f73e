import { endpoints } from "@portcullis/contract";
import { originOf } from "../../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../../platform/http/serve.ts";
import { changerOf, type ChangeDeps } from "../change.ts";
import { afterRemoval } from "../enrolment.ts";
import { removePasskey, renamePasskey } from "./own-passkeys.ts";
import type { Passkey } from "./passkeys.store.ts";

/** Serves the change of a passkey's name, and its removal. */
export function ownPasskeyRoutes(deps: ChangeDeps): readonly Route[] {
  return [
    serve(endpoints.renamePasskey, async (call) => {
      const which = { id: call.params.id, userId: call.caller.userId };
      const renamed = await renamePasskey(deps, which, call.input.name, originOf(call));
      return renamed === undefined ? refuse("not_found") : answer(200, presentPasskey(renamed));
    }),

    serve(endpoints.removePasskey, async (call) => {
      const asked = { id: call.params.id, endOtherSessions: call.query.endOtherSessions };
      return afterRemoval(await removePasskey(deps, changerOf(call), asked, originOf(call)));
    }),
  ];
}

/** Returns a passkey in the form that its owner sees. */
export function presentPasskey({ id, name, createdAt, lastUsedAt, kind, suspectSince }: Passkey) {
  return { id, name, createdAt, lastUsedAt, synced: kind === "multi_device", suspectSince };
}
