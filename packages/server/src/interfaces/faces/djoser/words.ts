import type { PasswordComplaint } from "../account/password-complaints.ts";
import {
  busy,
  detail,
  fieldErrors,
  nonFieldErrors,
  throttled,
  type Answer,
} from "../drf/answers.ts";
import { passwordWords } from "../drf/passwords.ts";

/** Reports that a new username or address is taken, at the field that it was sent in. */
export function nameTaken(field: string, loginField: "email" | "username"): Answer {
  const words =
    loginField === "email"
      ? "user with this email address already exists."
      : "A user with that username already exists.";
  return fieldErrors({ [field]: [words] });
}

export function unusableName(
  field: string,
  kind: "invalid_username" | "address_as_username",
): Answer {
  if (kind === "address_as_username")
    return fieldErrors({
      [field]: ["Enter a username that is not somebody else's email address."],
    });
  return fieldErrors({ [field]: ["Enter a valid username."] });
}

export function badPassword(field: string, complaints: readonly PasswordComplaint[]): Answer {
  return fieldErrors({ [field]: passwordWords(complaints) });
}

export const notRepeated = (what: "password" | "email" | "username"): Answer =>
  nonFieldErrors(`The two ${what} fields didn't match.`);
export const unknownUid = (): Answer =>
  fieldErrors({ uid: ["Invalid user id or user doesn't exist."] });
export const invalidToken = (): Answer => fieldErrors({ token: ["Invalid token for given user."] });

/** Answers the holder of a mailed link whose account has a second factor, which no link shows. */
export const factorNeeded = (): Answer =>
  detail(
    403,
    "Your account has a second factor: sign in with it and make this change in your account.",
    { code: "insufficient_user_authentication" },
  );

/** Answers that the session or the user ended during the request. */
export const sessionEnded = (): Answer => detail(401, "User not found", { code: "user_not_found" });

type Unmatched =
  | { readonly kind: "mismatched" }
  | { readonly kind: "busy" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number };

/** Answers that the current password was not matched. */
export function unmatched(outcome: Unmatched): Answer {
  switch (outcome.kind) {
    case "mismatched":
      return fieldErrors({ current_password: ["Invalid password."] });
    case "busy":
      return busy();
    case "throttled":
      return throttled(outcome.retryAfterSeconds);
  }
}
