import type { Budget } from "@portcullis/contract";
import type { Allowance } from "../../../platform/http/edge.ts";
import type { Client } from "../../../platform/http/serve.ts";
import type { SetEmailDeps } from "../account/set-email.ts";
import type { SetUsernameDeps } from "../account/set-username.ts";
import type { ResetDeps } from "../../../accounts/account/reset-password.ts";
import type { ActivateDeps } from "../account/activate.ts";
import type { CreateAccountDeps } from "../account/create-account.ts";
import type { EndUserDeps } from "../../../accounts/users/last-superuser.ts";
import type { SetOwnPasswordDeps } from "../account/set-password.ts";
import type { JwtDeps } from "../jwt/jwt.ts";

/** Djoser's settings, by our names for them. */
export interface DjoserSettings {
  /** Path of all calls, such as `/auth`. */
  readonly prefix: `/${string}`;
  readonly tokenLogin: boolean;
  /** Of a session that token login opens. */
  readonly tokenLoginSeconds: number;
  readonly sendActivation: boolean;
  readonly sendConfirmation: boolean;
  readonly confirmPasswordChange: boolean;
  readonly confirmNameChange: boolean;
  readonly retype: {
    readonly create: boolean;
    readonly setPassword: boolean;
    readonly resetPassword: boolean;
    readonly setName: boolean;
    readonly resetName: boolean;
  };
  readonly showEmailNotFound: boolean;
  readonly hideUsers: boolean;
  readonly links: LinkSettings;
}

export interface LinkSettings {
  /** Base of the paths. */
  readonly frontendUrl: string;
  /** With `{uid}` and `{token}`. */
  readonly activation: string;
  readonly passwordReset: string;
  readonly nameReset: string;
}

export interface DjoserDeps
  extends
    JwtDeps,
    CreateAccountDeps,
    ActivateDeps,
    SetOwnPasswordDeps,
    ResetDeps,
    SetUsernameDeps,
    SetEmailDeps,
    EndUserDeps {
  readonly djoser: DjoserSettings;
  /** What the face shows as `id` (`USER_ID_FIELD`). */
  readonly userIdField: "number" | "id";
  readonly publicUrl: string;
  readonly allow: (budget: Budget, client: Client) => Promise<Allowance>;
}
