import { endpoints } from "@portcullis/contract";
import { answer, serve, type Route } from "../../platform/http/serve.ts";
import { keyState } from "../../accounts/tokens/keys.ts";
import { listKeys } from "../../accounts/tokens/keys.store.ts";
import type { RevokeDeps } from "../../accounts/sessions/revoke.ts";

/** Serves the list of signing keys. */
export function keyRoutes(deps: Pick<RevokeDeps, "db">): readonly Route[] {
  const { db } = deps;
  return [
    serve(endpoints.adminListKeys, async () => {
      const keys = await listKeys(db);
      return answer(200, {
        items: keys.map((key) => ({
          kid: key.kid,
          algorithm: key.algorithm,
          state: keyState(key),
          announcedAt: key.announcedAt,
          activatedAt: key.activatedAt,
          retiredAt: key.retiredAt,
          removedAt: key.removedAt,
        })),
      });
    }),
  ];
}
