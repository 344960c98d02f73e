import { endpoints } from "@portcullis/contract";
import assert from "node:assert/strict";
import test from "node:test";
import { answer, refuse, serve } from "./serve.ts";

const id = "018f2c5e-7d3a-7b1c-9a4e-2f6b8c0d1e2f";

test("a handler can answer only with a status and a body that its endpoint lists", () => {
  serve(endpoints.endSession, () => answer(204));
  serve(endpoints.getReadiness, () => answer(503, { status: "draining" }));
  serve(endpoints.refreshSession, async ({ input }) =>
    answer(200, {
      accessToken: input.attemptId ?? "",
      tokenType: "Bearer",
      expiresInSeconds: 600,
      refreshToken: input.refreshToken ?? "",
      sessionId: id,
    }),
  );
  // @ts-expect-error 200 is not an answer of endSession
  serve(endpoints.endSession, () => answer(200));
  // @ts-expect-error the body lacks its members
  serve(endpoints.listSessions, () => answer(200, {}));
  // @ts-expect-error 204 has no body
  serve(endpoints.endSession, () => answer(204, { ended: true }));
  // @ts-expect-error not one of the listed states
  const route = serve(endpoints.getReadiness, () => answer(503, { status: "resting" }));
  assert.equal(route.endpoint, endpoints.getReadiness);
});

test("an endpoint that lists two failures cannot send a third", () => {
  serve(endpoints.deleteMe, () => refuse("wrong_password"));
  serve(endpoints.deleteMe, () =>
    refuse("rate_limited", { retryAfterSeconds: 30, scope: "account" }),
  );
  // @ts-expect-error deleteMe does not list it
  serve(endpoints.deleteMe, async () => refuse("email_taken"));
  // @ts-expect-error listSessions lists none
  const route = serve(endpoints.listSessions, () => refuse("not_found"));
  assert.equal(route.endpoint.name, "listSessions");
});

test("only a call that needs a token has a caller, and a body may be read-only", () => {
  const amr: readonly string[] = ["pwd"];
  const moment = 1_800_000_000;
  serve(endpoints.getToken, ({ caller }) =>
    answer(200, {
      userId: caller.userId,
      sessionId: caller.sessionId,
      issuedAt: moment,
      expiresAt: moment,
      authenticatedAt: moment,
      amr,
      acr: caller.claims.acr,
    }),
  );
  serve(endpoints.getMe, () =>
    answer(200, {
      id,
      email: null,
      emailVerifiedAt: null,
      username: null,
      profile: { a: [1, { b: null }] },
      locale: null,
      superuser: false,
      createdAt: 1,
      lastLoginAt: null,
    }),
  );
  serve(endpoints.endSession, ({ params, input }) => {
    const nothing: undefined = input;
    assert.equal(nothing, undefined);
    return params.id === id ? answer(204) : answer(204);
  });
  const route = serve(endpoints.getHealth, ({ caller }) => {
    const nobody: undefined = caller;
    assert.equal(nobody, undefined);
    return answer(200, { status: "ok" });
  });
  assert.equal(route.endpoint.access, "public");
});
