import * as admin from "./endpoints/admin.ts";
import * as challenges from "./endpoints/challenges.ts";
import * as factors from "./endpoints/factors.ts";
import * as mail from "./endpoints/mail.ts";
import * as me from "./endpoints/me.ts";
import * as recovery from "./endpoints/recovery.ts";
import * as server from "./endpoints/server.ts";
import * as sessions from "./endpoints/sessions.ts";
import * as users from "./endpoints/users.ts";

/**
 * Every call of Portcullis' own HTTP interface, by name. Use it to build requests, to check bodies
 * before they are sent, or to look up what a call can be refused with.
 *
 * @example
 * ```ts
 * import { endpoints } from "@portcullis/contract";
 *
 * const { method, path, input, answers } = endpoints.signIn;
 * const body = input.parse({ identifier: "anna", password: "seven quiet herons" });
 * const request = new Request(new URL(path, "https://id.example.com"), {
 *   method,
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify(body),
 * });
 * console.log(`${request.method} ${request.url}`); // POST https://id.example.com/v1/sessions
 *
 * // The schema of each status checks what the server has answered.
 * console.log(answers[201].safeParse({ accessToken: 7 }).success); // false
 * ```
 */
export const endpoints = {
  ...users,
  ...sessions,
  ...challenges,
  ...me,
  ...factors,
  ...recovery,
  ...mail,
  ...admin,
  ...server,
};
