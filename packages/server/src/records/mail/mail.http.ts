import type { Route } from "../../platform/http/serve.ts";
import type { SendAgainDeps } from "./dead-letters.ts";
import { listMailsRoute } from "./list-mails.http.ts";
import { reportRoute } from "./report.http.ts";
import { sendAgainRoute } from "./send-again.http.ts";
import { suppressionRoutes } from "./suppressions.http.ts";
import type { SuppressDeps } from "./suppressions.ts";

export interface MailDeps extends SendAgainDeps, SuppressDeps {}

export function mailRoutes(deps: MailDeps): readonly Route[] {
  return [
    reportRoute(deps),
    listMailsRoute(deps),
    sendAgainRoute(deps),
    ...suppressionRoutes(deps),
  ];
}
