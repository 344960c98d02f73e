import { readBytes, readJson } from "../body.ts";
import { findings } from "../problem.ts";
import { readQuery } from "../query.ts";
import { refuse, type AnyReply } from "../serve.ts";
import type { StepKind } from "./step.ts";

/** Sets `exchange.params` to the parameters of the path, as the endpoint's schema reads them. */
export const parsePath: StepKind<unknown> = {
  name: "parse path",
  build: (_deps, { endpoint }) => {
    const schema = endpoint?.params;
    if (schema === undefined) return undefined;
    const isHidden = endpoint?.failures.includes("not_found") === true;
    return (exchange) => {
      const parsed = schema.safeParse(exchange.pathParams, { reportInput: true });
      if (!parsed.success) return isHidden ? refuse("not_found") : invalid(parsed.error.issues);
      exchange.params = parsed.data;
      return undefined;
    };
  },
};

/** Sets `exchange.query` to the query, as the endpoint's schema reads it. */
export const parseQuery: StepKind<unknown> = {
  name: "parse query",
  build: (_deps, { endpoint }) => {
    const schema = endpoint?.query;
    if (schema === undefined) return undefined;
    return (exchange) => {
      const query = readQuery(exchange.target);
      if (query.kind === "malformed") return refuse("malformed_request");
      if (query.kind === "repeated")
        return refuse("invalid_input", { errors: [{ ...query.finding }] });
      const parsed = schema.safeParse(query.value, { reportInput: true });
      if (!parsed.success) return invalid(parsed.error.issues);
      exchange.query = parsed.data;
      return undefined;
    };
  },
};

/**
 * Sets `exchange.body` to the bytes of a body that calls itself JSON. If the endpoint takes no
 * input, it refuses a body instead. A page reads its own body.
 */
export const readBody: StepKind<unknown> = {
  name: "read body",
  build: (_deps, { endpoint }) => {
    if (endpoint === undefined) return undefined;
    if (endpoint.input === undefined)
      return ({ carriesBody }) => (carriesBody ? refuse("malformed_request") : undefined);
    return async (exchange) => {
      const body = await readBytes(exchange.request, {
        contentType: exchange.header("content-type"),
        contentEncoding: exchange.header("content-encoding"),
        contentLength: exchange.header("content-length"),
      });
      if (body.kind === "refused") return refuse(body.code);
      exchange.body = body.bytes;
      return undefined;
    };
  },
};

/** Sets `exchange.input` to the JSON in the body, as the endpoint's schema reads it. */
export const parseBody: StepKind<unknown> = {
  name: "parse body",
  build: (_deps, { endpoint }) => {
    const schema = endpoint?.input;
    if (schema === undefined) return undefined;
    return (exchange) => {
      const json = readJson(exchange.body);
      if (json.kind === "refused") return refuse(json.code);
      const parsed = schema.safeParse(json.value, { reportInput: true });
      if (!parsed.success) return invalid(parsed.error.issues);
      exchange.input = parsed.data;
      return undefined;
    };
  },
};

function invalid(issues: Parameters<typeof findings>[0]): AnyReply {
  return refuse("invalid_input", { errors: findings(issues).map((finding) => ({ ...finding })) });
}
