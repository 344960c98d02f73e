import type { Caller, Client } from "../../platform/http/serve.ts";
import type { Origin, RemoteOrigin } from "./events.ts";

/**
 * Returns where a call came from. The actor is the user that the token names, never one that a body
 * names (AD-11).
 */
export function originOf(
  call: {
    readonly client: Client;
    readonly requestId: string;
    readonly caller?: Caller | undefined;
  },
  as: "user" | "superuser" = "user",
): RemoteOrigin {
  const { client, requestId, caller } = call;
  return {
    address: client.address,
    userAgent: client.userAgent,
    requestId,
    actor: caller === undefined ? { kind: "anonymous" } : { kind: as, id: caller.userId },
  };
}

/** The origin of a change that an operator makes on the command line of the server itself. */
export const operator: Origin = { address: null, requestId: null, actor: { kind: "operator" } };

/** The origin of a change that the server makes by itself. */
export const system: Origin = { address: null, requestId: null, actor: { kind: "system" } };
