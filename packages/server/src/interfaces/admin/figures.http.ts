import { endpoints } from "@portcullis/contract";
import { answer, serve, type Route } from "../../platform/http/serve.ts";
import { readFigures } from "./figures.ts";
import type { RevokeDeps } from "../../accounts/sessions/revoke.ts";

/** Serves figures by the hour. */
export function figureRoutes(deps: Pick<RevokeDeps, "db" | "keyring" | "clock">): readonly Route[] {
  return [
    serve(endpoints.adminGetFigures, async ({ query }) =>
      answer(200, await readFigures(deps, query.hours)),
    ),
  ];
}
