import { z } from "zod";
import { unixSeconds } from "../claims.ts";
import { endpoint } from "../endpoint.ts";
import { challenge } from "./proofs.ts";
import {
  deviceToken,
  id,
  password,
  refreshToken,
  rememberToken,
  session,
  tokens,
} from "./shapes.ts";

export const signIn = endpoint({
  name: "signIn",
  method: "POST",
  path: "/v1/sessions",
  tag: "Sessions",
  summary: "Sign in",
  description:
    "201 with tokens, or 202 with a challenge where a second factor is asked for. One refusal for an unknown name, a wrong password, a disabled and an unverified account. Send `deviceToken` back at the next sign-in: nobody's failures can then keep this client out, and its user is not mailed about a new device. Keep it where sessions are not kept, so that it outlives them.",
  access: "public",
  input: z.strictObject({
    identifier: z
      .string()
      .min(1)
      .max(254)
      .meta({ description: "E-mail address or username", examples: ["anna@example.com"] }),
    password,
    deviceToken: deviceToken.optional(),
    rememberToken: rememberToken.optional(),
  }),
  answers: { 201: tokens.extend({ deviceToken: z.string() }), 202: challenge },
  failures: ["invalid_credentials", "rate_limited", "busy"],
});

export const refreshSession = endpoint({
  name: "refreshSession",
  method: "POST",
  path: "/v1/sessions/refresh",
  tag: "Sessions",
  summary: "Trade the refresh token for new tokens",
  description:
    "Each refresh token has exactly one successor. Sent twice within a short window it yields the same successor both times; later, it ends the session as stolen. After a lost answer, repeat the request with the same `attemptId` at any time.",
  access: "public",
  input: z.strictObject({
    refreshToken,
    attemptId: z.string().min(16).max(64).optional().meta({
      description: "Random, chosen by the client, the same for every retry of one refresh",
    }),
  }),
  answers: { 200: tokens },
  failures: ["invalid_refresh_token", "account_paused", "session_ended", "rate_limited", "busy"],
});

export const logOut = endpoint({
  name: "logOut",
  method: "POST",
  path: "/v1/sessions/logout",
  tag: "Sessions",
  summary: "Log out with the refresh token alone",
  description:
    "For a client whose access token has expired. Ends the session of this refresh token; a token that is not valid changes nothing and is answered the same.",
  access: "public",
  input: z.strictObject({ refreshToken }),
  answers: { 204: null },
  failures: ["rate_limited"],
});

export const getToken = endpoint({
  name: "getToken",
  method: "GET",
  path: "/v1/token",
  tag: "Sessions",
  summary: "Who and what this access token is",
  description: "Answered from the token and the revocation view; no database query.",
  access: "user",
  whilePaused: true,
  answers: {
    200: z.strictObject({
      userId: id,
      sessionId: id,
      issuedAt: unixSeconds,
      expiresAt: unixSeconds,
      authenticatedAt: unixSeconds,
      amr: z.array(z.string()),
      acr: z.string(),
    }),
  },
  failures: [],
});

export const listSessions = endpoint({
  name: "listSessions",
  method: "GET",
  path: "/v1/sessions",
  tag: "Sessions",
  summary: "The devices that are signed in to this account",
  access: "user",
  answers: { 200: z.strictObject({ items: z.array(session) }) },
  failures: [],
});

export const endCurrentSession = endpoint({
  name: "endCurrentSession",
  method: "DELETE",
  path: "/v1/sessions/current",
  tag: "Sessions",
  summary: "Log out here",
  description: "When this returns, the session's access tokens are refused.",
  access: "user",
  whilePaused: true,
  answers: { 204: null },
  failures: [],
});

export const endSession = endpoint({
  name: "endSession",
  method: "DELETE",
  path: "/v1/sessions/{id}",
  tag: "Sessions",
  summary: "Log out one device",
  description: "204 too where there is no such session of this account.",
  access: "user",
  whilePaused: true,
  params: z.strictObject({ id }),
  answers: { 204: null },
  failures: [],
});

export const endAllSessions = endpoint({
  name: "endAllSessions",
  method: "DELETE",
  path: "/v1/sessions",
  tag: "Sessions",
  summary: "Log out everywhere",
  access: "user",
  whilePaused: true,
  answers: { 204: null },
  failures: [],
});
