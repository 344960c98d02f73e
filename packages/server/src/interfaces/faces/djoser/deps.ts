import type { Budget } from "@portcullis/contract";
import type { Allowance } from "../../../platform/http/steps/take-budget.ts";
import type { Client } from "../../../platform/http/serve.ts";
import type { SetEmailDeps } from "../account/set-email.ts";
import type { SetUsernameDeps } from "../account/set-username.ts";
import type { ResetDeps } from "../../../accounts/account/reset-password.ts";
import type { ActivateDeps } from "../account/activate.ts";
import type { CreateAccountDeps } from "../account/create-account.ts";
import type { RegistrationMode } from "../../../accounts/users/register.ts";
import type { EndUserDeps } from "../../../accounts/users/last-superuser.ts";
import type { SetOwnPasswordDeps } from "../account/set-password.ts";
import type { SignInPolicy } from "../../../accounts/sign-in/sign-in-policy.ts";
import type { JwtDeps } from "../jwt/jwt.ts";

/** Djoser's settings under our own names. */
export interface DjoserSettings {
  /** The path under which all calls are, such as `/auth`. */
  readonly prefix: `/${string}`;
  readonly tokenLogin: boolean;
  /** The policy of token login, whose sessions are not refreshed. */
  readonly tokenLoginPolicy: SignInPolicy;
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
  /** The address to which the paths below are appended. */
  readonly frontendUrl: string;
  /** A path that contains `{uid}` and `{token}`, like the two that follow. */
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
  readonly faceRegistration: RegistrationMode;
  /** The field that the face shows as `id` (`USER_ID_FIELD`). */
  readonly userIdField: "number" | "id";
  readonly publicUrl: string;
  readonly allow: (budget: Budget, client: Client) => Promise<Allowance>;
}
