import { endpoints } from "@portcullis/contract";
import { transact } from "../../platform/db/transact.ts";
import type { Db } from "../../platform/db/open.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { originOf } from "../audit/origin.ts";
import { readRecipient, suppressAll, unreadableAt, type SuppressDeps } from "./suppressions.ts";

/** Takes a report as a whole or not at all, because its sender must hear of what is unreadable. */
export function reportRoute(deps: SuppressDeps & { readonly db: Db }): Route {
  return serve(endpoints.reportMail, async (call) => {
    const reports = call.input.reports.map(({ kind, address }) => ({
      reason: kind,
      address: readRecipient(address),
    }));
    const readable = reports.flatMap(({ reason, address }) =>
      address === undefined ? [] : [{ reason, address }],
    );
    if (readable.length < reports.length) {
      const unreadable = reports.flatMap(({ address }, at) =>
        address === undefined ? [unreadableAt(`/reports/${at}/address`)] : [],
      );
      return refuse("invalid_input", { errors: unreadable });
    }
    await transact(deps, async (tx) =>
      suppressAll(tx, deps, readable, { ...originOf(call), actor: { kind: "system" } }),
    );
    return answer(204);
  });
}
