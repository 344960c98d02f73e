import type { EndCause } from "@portcullis/contract";
import type { Db } from "../../../platform/db/open.ts";
import type { Grant } from "../../../accounts/tokens/mint.ts";
import { findUser, type User } from "../../../accounts/users/users.store.ts";
import { busy, detail, nonFieldErrors, type Answer } from "../drf/answers.ts";
import type { Bearer, FaceTokens } from "../jwt/tokens.ts";
import type { UserModel } from "./user-model.ts";

export interface TokenDeps {
  readonly db: Db;
  /**
   * Signed with the server's own key: the original has one per user and none that another service
   * could share.
   */
  readonly tokens: FaceTokens;
  readonly model: UserModel;
}

/** Who presents the token of a session. */
export interface Holder {
  readonly user: User;
  readonly bearer: Bearer;
  /** The second factor it was given out for. */
  readonly deviceId: string | null;
}

export type Refusal = "expired" | "undecodable" | "no_user" | "disabled" | "unknown";
export type Presented =
  | { readonly kind: "held" | "paused"; readonly holder: Holder }
  | { readonly kind: Refusal };

/**
 * Claim of this face's tokens. They can be refreshed; any other access token would become so here.
 */
const FACE = "tag1";

/** The one token there is: shown with requests, and traded for a later one. */
export function tokenOf(
  deps: TokenDeps,
  grant: Grant,
  user: User,
  deviceId: string | null,
): string {
  return deps.tokens.access(grant, user.number, {
    ...namesOf(deps, user),
    orig_iat: grant.authTime,
    otp_device_id: deviceId,
  });
}

/** What every token of this face says of its user. */
export function namesOf({ model }: Pick<TokenDeps, "model">, user: User) {
  return { face: FACE, username: model.loginOf(user), email: user.email ?? "" };
}

/** The checks of the original in its order; only of a token that passes is the user's row read. */
export async function present(deps: TokenDeps, token: string): Promise<Presented> {
  const outcome = await deps.tokens.readAccess(token, undefined);
  if (outcome.kind === "ended") return { kind: refusalOf(outcome.cause) };
  if (outcome.kind === "expired" || outcome.kind === "unknown") return { kind: outcome.kind };
  if (outcome.kind !== "good" || outcome.bearer.claims["face"] !== FACE)
    return { kind: "undecodable" };

  const { bearer } = outcome;
  const named = await findNamed(deps, bearer.userId, bearer.claims["username"]);
  if (!("user" in named)) return named;
  const deviceId = bearer.claims["otp_device_id"];
  return {
    kind: named.kind === "paused" ? "paused" : "held",
    holder: { user: named.user, bearer, deviceId: typeof deviceId === "string" ? deviceId : null },
  };
}

/**
 * The original looks users up by the name in the token: one of a name given up is good for nobody.
 */
export async function findNamed(
  deps: Pick<TokenDeps, "db" | "model">,
  userId: string,
  username: unknown,
): Promise<
  | { readonly kind: "named"; readonly user: User }
  | { readonly kind: "paused"; readonly user: User }
  | { readonly kind: "no_user" | "disabled" }
> {
  const user = await findUser(deps.db, userId);
  if (user === undefined || username !== deps.model.loginOf(user)) return { kind: "no_user" };
  if (user.disabledAt !== null) return { kind: "disabled" };
  return user.pausedAt === null ? { kind: "named", user } : { kind: "paused", user };
}

/** Where the original would find no user, a user switched off, or the user's secret changed. */
export function refusalOf(cause: EndCause | undefined): Refusal {
  if (cause === "user_deleted") return "no_user";
  return cause === "user_disabled" ? "disabled" : "undecodable";
}

const words = {
  expired: "Signature has expired.",
  undecodable: "Error decoding signature.",
  disabled: "User account is disabled.",
} as const;

/** To a request that a token came with. */
export function refuseRequest(refusal: Refusal): Answer {
  if (refusal === "unknown") return busy();
  return detail(401, refusal === "no_user" ? "Invalid signature." : words[refusal]);
}

/** Where the token is what was sent. */
export function refuseToken(refusal: Refusal): Answer {
  if (refusal === "unknown") return busy();
  return nonFieldErrors(refusal === "no_user" ? "User doesn't exist." : words[refusal]);
}
