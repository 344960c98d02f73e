import { endpoints } from "@portcullis/contract";
import { timingSafeEqual } from "node:crypto";
import { answer, serve, type Route } from "../platform/http/serve.ts";
import type { Secret } from "../platform/kernel/secret.ts";
import type { Keys } from "../accounts/tokens/keys.ts";

export type Readiness =
  | "ready"
  | "starting"
  | "draining"
  | "revocation_view_stale"
  | "storage_unavailable";

export function serverRoutes(deps: {
  readonly keys: Keys;
  readonly readiness: () => Readiness;
}): readonly Route[] {
  return [
    serve(endpoints.getKeys, () => answer(200, deps.keys.jwks())),
    serve(endpoints.getHealth, () => answer(200, { status: "ok" })),
    serve(endpoints.getReadiness, () => {
      const status = deps.readiness();
      return status === "ready" ? answer(200, { status }) : answer(503, { status });
    }),
  ];
}

/** Tells in constant time whether an Authorization header carries this bearer token. */
export function bearerGuard(
  token: Secret | undefined,
): (authorization: string | undefined) => boolean {
  if (token === undefined) return () => false;
  const expected = Buffer.from(`Bearer ${token.reveal()}`);
  return (authorization) => {
    const given = Buffer.from(authorization ?? "");
    return given.length === expected.length && timingSafeEqual(given, expected);
  };
}
