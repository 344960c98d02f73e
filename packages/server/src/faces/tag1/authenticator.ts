import type { Visit } from "../../http/page.ts";
import type { Factor } from "../../sign-in/factor.ts";
import { detail } from "../drf/answers.ts";
import { isAuthenticated, nobody, type Authentication, type Authenticator, type Permission } from "../drf/view.ts";
import { present, refuseRequest, type Holder, type TokenDeps } from "./tokens.ts";

export interface AuthenticatorDeps extends TokenDeps {
  /** JWT_AUTH_HEADER_PREFIX */
  readonly headerPrefix: string;
}

/** `JSONWebTokenAuthentication`: a header that begins with another word is somebody else's. */
export function jwtAuthenticator(deps: AuthenticatorDeps): Authenticator<Holder> {
  return { challenge: challengeOf(deps), authenticate };

  async function authenticate({ header }: Visit): Promise<Authentication<Holder>> {
    const parts = (header("authorization") ?? "").split(/[ \t\n\v\f\r]+/).filter((part) => part !== "");
    const [prefix, token] = parts;
    if (prefix?.toLowerCase() !== deps.headerPrefix.toLowerCase()) return { kind: "anonymous" };
    if (token === undefined) return refused("Invalid Authorization header. No credentials provided.");
    if (parts.length > 2) return refused("Invalid Authorization header. Credentials string should not contain spaces.");
    const presented = await present(deps, token);
    if (presented.kind === "held") return { kind: "user", user: presented.holder };
    return { kind: "refused", answer: refuseRequest(presented.kind) };
  }
}

/** For views without authentication, which pass over even a bad token. */
export function noAuthenticator(deps: Pick<AuthenticatorDeps, "headerPrefix">): Authenticator<Holder> {
  return nobody(challengeOf(deps));
}

/** `IsOtpVerified`: whoever has a second factor must have shown it to get the token. */
export function isOtpVerified(deps: Pick<TokenDeps, "db"> & { readonly factors: readonly Factor[] }): Permission<Holder, Holder> {
  return async (holder) => {
    if (holder === undefined || holder.deviceId !== null) return isAuthenticated(holder);
    for (const factor of deps.factors) {
      if (await factor.isEnrolled(deps.db, holder.user.id))
        return { kind: "denied", words: "You do not have permission to perform this action until you verify your OTP device." };
    }
    return isAuthenticated(holder);
  };
}

function challengeOf({ headerPrefix }: Pick<AuthenticatorDeps, "headerPrefix">): string {
  return `${headerPrefix} realm="api"`;
}

function refused(text: string): Authentication<Holder> {
  return { kind: "refused", answer: detail(401, text) };
}
