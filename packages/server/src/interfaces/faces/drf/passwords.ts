import type { PasswordComplaint } from "../account/password-complaints.ts";

const attributes = {
  username: "username",
  email: "email address",
  service: "name of the service",
} as const;

export function passwordWords(complaints: readonly PasswordComplaint[]): readonly string[] {
  return complaints.map((complaint) => {
    switch (complaint.kind) {
      case "similar":
        return `The password is too similar to the ${attributes[complaint.to]}.`;
      case "too_short":
        return `This password is too short. It must contain at least ${complaint.minimumLength} characters.`;
      case "common":
        return "This password is too common.";
      case "numeric":
        return "This password is entirely numeric.";
      case "too_long":
        return "This password is too long.";
      case "forbidden_character":
        return "This password contains a character that is not allowed.";
    }
  });
}
