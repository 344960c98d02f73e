import type { Body, Field } from "../drf/fields.ts";
import { serializer } from "../drf/fields.ts";

/** Fields whose names depend on the settings. */
export interface Form {
  /** Absent where it was not asked for or not given. */
  readonly values: Readonly<Record<string, string | undefined>>;
  /**
   * Of a mailed link. Djoser reads them as they were sent, with the space around them; what is no
   * text is nobody's.
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
