import type { AccessClaims, Endpoint, FailureCode } from "@portcullis/contract";
import type { z } from "zod";

/** What a body may hold. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [member: string]: Json };

/** Who sends the request, as far as the connection tells. */
export interface Client {
  /** Canonical text of the address, see `clientAddress`. */
  readonly address: string;
  /** At most 512 characters, control characters replaced. */
  readonly userAgent: string;
}

/** Whose token was presented, once it has been verified. */
export interface Caller {
  readonly userId: string;
  readonly sessionId: string;
  readonly claims: AccessClaims;
}

type Parsed<E, Part extends string> = E extends {
  readonly [P in Part]: infer Schema extends z.ZodType;
}
  ? z.output<Schema>
  : undefined;
export type InputOf<E extends Endpoint> = Parsed<E, "input">;
export type ParamsOf<E extends Endpoint> = Parsed<E, "params">;
export type QueryOf<E extends Endpoint> = Parsed<E, "query">;

/** One request that has passed every check its endpoint asks for. */
export interface Call<E extends Endpoint> {
  readonly input: InputOf<E>;
  readonly params: ParamsOf<E>;
  readonly query: QueryOf<E>;
  readonly client: Client;
  readonly requestId: string;
  readonly caller: E["access"] extends "public" | "signed" ? undefined : Caller;
}

/** What a rule returns may be read-only: the answer is only serialised. */
type Said<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Said<Item>[]
    : { readonly [Member in keyof T]: Said<T[Member]> };

export interface Answer<Status extends number, Body> {
  readonly kind: "answered";
  readonly status: Status;
  readonly body: Body;
}

export interface Refusal<Code extends FailureCode> {
  readonly kind: "refused";
  readonly code: Code;
  readonly members: Members;
}

/** Members of the problem beside the standard ones; `retryAfterSeconds` also sets Retry-After. */
export interface Members {
  readonly retryAfterSeconds?: number;
  readonly [member: string]: Json | undefined;
}

export type Answered<E extends Endpoint> = {
  readonly [Status in keyof E["answers"] & number]: Answer<
    Status,
    E["answers"][Status] extends z.ZodType ? Said<z.output<E["answers"][Status]>> : undefined
  >;
}[keyof E["answers"] & number];
export type Refused<E extends Endpoint> = Refusal<E["failures"][number]>;
export type Reply<E extends Endpoint> = Answered<E> | Refused<E>;

export function answer<Status extends number>(status: Status): Answer<Status, undefined>;
export function answer<Status extends number, Body>(
  status: Status,
  body: Body,
): Answer<Status, Body>;
export function answer(status: number, body?: unknown): Answer<number, unknown> {
  return { kind: "answered", status, body };
}

const noMembers: Members = {};

export function refuse<Code extends FailureCode>(
  code: Code,
  members: Members = noMembers,
): Refusal<Code> {
  return { kind: "refused", code, members };
}

export type AnyReply = Answer<number, unknown> | Refusal<FailureCode>;

/** A call before its endpoint's types are known. */
export interface AnyCall {
  readonly input: unknown;
  readonly params: unknown;
  readonly query: unknown;
  readonly client: Client;
  readonly requestId: string;
  readonly caller: Caller | undefined;
}

export interface Route {
  readonly endpoint: Endpoint;
  /**
   * A method, whose parameter TypeScript compares both ways: the edge parses each call with the
   * schemas of this very endpoint.
   */
  handle(call: AnyCall): AnyReply | Promise<AnyReply>;
  /**
   * Asked before the request is read: under a flood, what is turned away must cost next to nothing
   * (IN-07).
   */
  turnAway?(): AnyReply | undefined;
}

/**
 * Joins an endpoint to its handler, which can answer and refuse with what the endpoint lists and
 * nothing else.
 */
export function serve<const E extends Endpoint>(
  endpoint: E,
  handle: (call: Call<NoInfer<E>>) => Reply<NoInfer<E>> | Promise<Reply<NoInfer<E>>>,
  turnAway?: () => Refused<NoInfer<E>> | undefined,
): Route {
  return { endpoint, handle, ...(turnAway !== undefined && { turnAway }) };
}
