import { z } from "zod";
import { endpoint } from "../endpoint.ts";

export const getKeys = endpoint({
  name: "getKeys",
  method: "GET",
  path: "/.well-known/jwks.json",
  tag: "Server",
  summary: "Public keys that verify access tokens (RFC 7517)",
  access: "public",
  answers: { 200: z.strictObject({ keys: z.array(z.record(z.string(), z.string())) }) },
  failures: [],
});

export const getHealth = endpoint({
  name: "getHealth",
  method: "GET",
  path: "/healthz",
  tag: "Server",
  summary: "Whether the process is alive",
  access: "public",
  answers: { 200: z.strictObject({ status: z.literal("ok") }) },
  failures: [],
});

export const getReadiness = endpoint({
  name: "getReadiness",
  method: "GET",
  path: "/readyz",
  tag: "Server",
  summary: "Whether this server can be sent requests",
  access: "public",
  answers: {
    200: z.strictObject({ status: z.literal("ready") }),
    503: z.strictObject({
      status: z.enum(["starting", "draining", "revocation_view_stale", "storage_unavailable"]),
    }),
  },
  failures: [],
});
