import * as admin from "./endpoints/admin.ts";
import * as challenges from "./endpoints/challenges.ts";
import * as factors from "./endpoints/factors.ts";
import * as mail from "./endpoints/mail.ts";
import * as me from "./endpoints/me.ts";
import * as recovery from "./endpoints/recovery.ts";
import * as server from "./endpoints/server.ts";
import * as sessions from "./endpoints/sessions.ts";
import * as users from "./endpoints/users.ts";

/** Every native call, by name. */
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
