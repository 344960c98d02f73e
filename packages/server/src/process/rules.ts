import type { ChangeEmailDeps } from "../accounts/account/change-email.ts";
import type { ChangePasswordDeps } from "../accounts/account/change-password.ts";
import type { FactorRoutesDeps } from "../accounts/factors/enrolment.ts";
import type { PasskeyDeps } from "../accounts/factors/passkeys/passkeys.ts";
import type { ReportDeps } from "../accounts/factors/report.ts";
import type { SessionRoutesDeps } from "../accounts/sessions/sessions.http.ts";
import type { SignInRoutesDeps } from "../accounts/sign-in/sign-in.ts";
import type { StepUpDeps } from "../accounts/sign-in/step-up.ts";
import type { KeyDeps } from "../accounts/tokens/keys.ts";
import type { DeleteSelfDeps } from "../accounts/users/delete-user.ts";
import type { EnableUserDeps } from "../accounts/users/disable-user.ts";
import type { RegisterDeps } from "../accounts/users/register.ts";
import type { ProfileRules } from "../accounts/users/profile.ts";
import type { ReadUsername } from "../accounts/users/username.ts";
import type { Metrics } from "../platform/http/metrics.ts";
import type { Log } from "../platform/kernel/log.ts";
import type { Sender } from "../records/outbox/sender.ts";
import type { Letters } from "../records/mail/templates/templates.ts";
import type { Feed } from "../records/revocations/feed.ts";

/** The dependencies of every rule in one object. Each rule names the part of it that it takes. */
export interface Rules
  extends
    KeyDeps,
    SessionRoutesDeps,
    StepUpDeps,
    SignInRoutesDeps,
    FactorRoutesDeps,
    PasskeyDeps,
    ReportDeps,
    DeleteSelfDeps,
    EnableUserDeps,
    RegisterDeps,
    ChangePasswordDeps,
    ChangeEmailDeps {
  readonly log: Log;
  readonly profileRules: ProfileRules;
  readonly readUsername: ReadUsername;
  readonly metrics: Metrics;
  readonly feed: Feed;
  readonly letters: Letters;
  readonly sender: Sender;
  readonly nodeId: string;
  readonly auditRetentionSeconds: number | undefined;
}
