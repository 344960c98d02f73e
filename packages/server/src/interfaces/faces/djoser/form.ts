import type { Body, Field } from "../drf/fields.ts";
import { serializer } from "../drf/fields.ts";

/** The values of fields whose names depend on the settings. */
export interface Form {
  /** A value is missing if the form does not ask for it or the client did not send it. */
  readonly values: Readonly<Record<string, string | undefined>>;
  /**
   * The values of a mailed link. Djoser does not strip the space around them. A value that is not a
   * text becomes empty, which matches no user.
   */
  readonly link: { readonly uid: string; readonly token: string };
}

export function form(fields: Readonly<Record<string, Field<string | undefined>>>): Body<Form> {
  const { facts, read } = serializer<Readonly<Record<string, Field<string | undefined>>>>(fields);
  return {
    ...(facts !== undefined && { facts }),
    read: async (data) => {
      const outcome = await read(data);
      if (outcome.kind === "invalid") return outcome;
      const raw = (name: string): string => {
        const value = data.kind === "members" ? data.members.get(name) : undefined;
        return typeof value === "string" ? value : "";
      };
      return {
        kind: "valid",
        input: { values: outcome.input, link: { uid: raw("uid"), token: raw("token") } },
      };
    },
  };
}
