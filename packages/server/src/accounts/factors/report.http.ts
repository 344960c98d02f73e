import { endpoints } from "@portcullis/contract";
import { invalidCursor } from "../../platform/http/cursor.ts";
import { answer, serve, type Route } from "../../platform/http/serve.ts";
import { reportOn, type ReportDeps } from "./report.ts";

/** Serves the report on users without a second factor, for superusers. */
export function reportRoutes(deps: ReportDeps): readonly Route[] {
  return [
    serve(endpoints.adminMfaReport, async ({ query }) => {
      const report = await reportOn(deps, query);
      if (report.kind !== "report") return invalidCursor();
      const { policy, concerned, without, withoutRecoveryCodes, users: items, nextCursor } = report;
      return answer(200, { policy, concerned, without, withoutRecoveryCodes, items, nextCursor });
    }),
  ];
}
