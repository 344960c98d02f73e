import { z } from "zod";
import type { Endpoint } from "../endpoint.ts";
import { challengeId, passkeyId, totpId } from "../endpoints/proofs.ts";
import { endOtherSessionsInQuery, pageQuery, userId } from "../endpoints/shapes.ts";
import { isObject, type JsonObject } from "./json.ts";
import type { Schemas } from "./schemas.ts";

/** The parameters that several calls share, by the names that the document has for them. */
const names: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [challengeId, "ChallengeId"],
  [pageQuery.cursor, "Cursor"],
  [pageQuery.limit, "Limit"],
  [endOtherSessionsInQuery, "EndOtherSessions"],
  [passkeyId, "PasskeyId"],
  [totpId, "AuthenticatorAppId"],
  [userId, "UserId"],
]);

/** Shared parameters, by name, which grow as calls need them. */
export type Parameters = Map<string, JsonObject>;

/** Returns the parameters of a call: first those of the path, then those of the query. */
export function parametersOf(
  { params, query }: Endpoint,
  schemas: Schemas,
  parameters: Parameters,
): readonly JsonObject[] {
  return [
    ...(params === undefined ? [] : parametersIn("path", params, schemas, parameters)),
    ...(query === undefined ? [] : parametersIn("query", query, schemas, parameters)),
  ];
}

function parametersIn(
  place: "path" | "query",
  schema: z.ZodObject,
  schemas: Schemas,
  parameters: Parameters,
): readonly JsonObject[] {
  const { properties = {}, required = [] } = schemas.request(schema);
  const members = isObject(properties) ? properties : {};
  const isRequired = (name: string) => Array.isArray(required) && required.includes(name);
  return Object.entries(schema.shape).map(([name, leaf]) => {
    const member = members[name];
    const { description = descriptionOf(leaf), ...rest } = isObject(member) ? member : {};
    const printed = { name, in: place, required: isRequired(name), description, schema: rest };
    const component = names.get(leaf);
    if (component === undefined) return printed;
    parameters.set(component, printed);
    return { $ref: `#/components/parameters/${component}` };
  });
}

/** A reference to a shared schema has no description of its own. */
function descriptionOf(leaf: z.core.$ZodType): string {
  return z.globalRegistry.get(leaf)?.description ?? "";
}
