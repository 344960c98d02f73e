import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, serve, type Route } from "../../platform/http/serve.ts";
import { forgetDevice } from "./remembered-devices.ts";
import { listDevices } from "./remembered-devices.store.ts";
import type { RememberDeps } from "./remembered-devices.ts";

/** Serves the list of remembered devices. */
export function rememberedDeviceRoutes(deps: RememberDeps): readonly Route[] {
  return [
    serve(endpoints.listRememberedDevices, async ({ caller }) => {
      const devices = await listDevices(deps.db, caller.userId, deps.clock.now());
      const items = devices.map(({ id, createdAt, lastUsedAt, expiresAt, address, userAgent }) => ({
        id,
        createdAt,
        lastUsedAt,
        expiresAt,
        address,
        userAgent,
      }));
      return answer(200, { items });
    }),

    serve(endpoints.forgetRememberedDevice, async (call) => {
      await forgetDevice(deps, { id: call.params.id, userId: call.caller.userId }, originOf(call));
      return answer(204);
    }),
  ];
}
