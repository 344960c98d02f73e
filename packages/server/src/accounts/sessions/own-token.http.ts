import { endpoints } from "@portcullis/contract";
import { answer, serve, type Route } from "../../platform/http/serve.ts";

/** Serves the contents of the access token that the request was made with. */
export function ownTokenRoute(): Route {
  return serve(endpoints.getToken, ({ caller: { claims } }) =>
    answer(200, {
      userId: claims.sub,
      sessionId: claims.sid,
      issuedAt: claims.iat,
      expiresAt: claims.exp,
      authenticatedAt: claims.auth_time,
      amr: claims.amr,
      acr: claims.acr,
    }),
  );
}
