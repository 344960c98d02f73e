import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { about } from "./shapes.ts";

/**
 * Publishes the keys that verify access tokens. Services that verify tokens themselves fetch it and
 * keep it for as long as its `Cache-Control` header says; `@portcullis/verifier` does so.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/.well-known/jwks.json");
 * const { keys } = await response.json();
 * ```
 */
export const getKeys = endpoint({
  name: "getKeys",
  method: "GET",
  path: "/.well-known/jwks.json",
  tag: "Server",
  summary: "Get the public keys that verify access tokens",
  description:
    "A JSON Web Key Set (RFC 7517 §5). It lists a new key before any token is signed with it, and an old key until its last token has expired.",
  access: "public",
  answers: {
    200: about(
      z.strictObject({
        keys: about(
          z.array(z.record(z.string(), z.string())),
          "One JSON Web Key (RFC 7517 §4) for each signing key.",
          [
            {
              kty: "EC",
              crv: "P-256",
              x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
              y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
              kid: "2026-11-a",
              alg: "ES256",
              use: "sig",
            },
          ],
        ),
      }),
      "The keys.",
    ),
  },
  failures: [],
});

/**
 * Answers as long as the process runs, even if its database does not. Restart it if it does not.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/healthz");
 * const { status } = await response.json();
 * ```
 */
export const getHealth = endpoint({
  name: "getHealth",
  method: "GET",
  path: "/healthz",
  tag: "Server",
  summary: "Check that the process is alive",
  description: "The call asks neither the database nor another server.",
  access: "public",
  answers: {
    200: about(
      z.strictObject({
        status: about(z.literal("ok"), "The only value."),
      }),
      "The process is alive.",
    ),
  },
  failures: [],
});

/**
 * Tells a load balancer whether to send requests here. It is 503 while the server starts or stops,
 * and while it could not answer for lack of its database or of the latest revocations.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/readyz");
 * const { status } = await response.json();
 * ```
 */
export const getReadiness = endpoint({
  name: "getReadiness",
  method: "GET",
  path: "/readyz",
  tag: "Server",
  summary: "Check that the server can take requests",
  description: "Send requests only to servers that answer 200.",
  access: "public",
  answers: {
    200: about(
      z.strictObject({ status: about(z.literal("ready"), "The only value.") }),
      "The server takes requests.",
    ),
    503: about(
      z.strictObject({
        status: about(
          z.enum(["starting", "draining", "revocation_view_stale", "storage_unavailable"]),
          "`starting` and `draining` pass by themselves. `revocation_view_stale` means that the server cannot read the latest revocations, `storage_unavailable` that it cannot reach its database.",
        ),
      }),
      "The server takes no requests right now.",
    ),
  },
  failures: [],
});
