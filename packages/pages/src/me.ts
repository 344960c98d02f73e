import { useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { client, type AnswerOf, type Call, type Options } from "./api.ts";

/** Asks a `GET` call, and keeps its answer under its name. */
export function useCall<Name extends Call>(
  name: Name,
  options: Options<Name> = {},
): UseQueryResult<AnswerOf<Name>> {
  return useQuery({
    queryKey: options.query === undefined ? [name] : [name, options.query],
    queryFn: async ({ signal }) => client.call(name, { ...options, signal }),
  });
}

export function useMe(): UseQueryResult<AnswerOf<"GET /v1/me">> {
  return useCall("GET /v1/me");
}

/** Returns a function that asks some calls again because their answers have changed. */
export function useAgain(): (...names: readonly Call[]) => Promise<void> {
  const queries = useQueryClient();
  return async (...names) => {
    await Promise.all(names.map(async (name) => queries.invalidateQueries({ queryKey: [name] })));
  };
}
