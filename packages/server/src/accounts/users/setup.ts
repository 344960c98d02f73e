import type { Origin } from "../../records/audit/events.ts";
import { hashToken } from "../../platform/kernel/codes.ts";
import { createSuperuser, type CreateOutcome, type RegisterDeps } from "./register.ts";
import { holdSetupLink, insertSetupLink } from "./setup.store.ts";
import { anySuperuser } from "./users.store.ts";
import { SETUP_LINK_SECONDS } from "../proofs/lifetimes.ts";

/**
 * Returns a token that creates the first superuser once, within an hour. Returns `undefined` if
 * there is a superuser already (LG-12).
 */
export async function openSetup(
  deps: Pick<RegisterDeps, "db" | "clock" | "random">,
): Promise<string | undefined> {
  if (await anySuperuser(deps.db)) return undefined;
  const token = deps.random.bytes(32).toString("base64url");
  await insertSetupLink(deps.db, hashToken(token), deps.clock.now() + SETUP_LINK_SECONDS);
  return token;
}

/**
 * Creates the first superuser. If several callers try at once, with the same or different links,
 * one of them succeeds. A call that fails does not use up the link.
 */
export async function setUp(
  deps: RegisterDeps,
  input: { readonly setupToken: string; readonly email: string; readonly password: string },
  origin: Origin,
): Promise<CreateOutcome | { readonly kind: "guarded" }> {
  return createSuperuser(
    deps,
    input,
    origin,
    async (tx) =>
      (await holdSetupLink(tx, hashToken(input.setupToken), deps.clock.now())) &&
      !(await anySuperuser(tx)),
  );
}
