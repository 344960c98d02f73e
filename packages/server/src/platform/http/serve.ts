import type { AccessClaims, Endpoint, FailureCode } from "@portcullis/contract";
import type { z } from "zod";
import type { PresentedCookies } from "./cookies.ts";

/** Any value that a JSON body may hold. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [member: string]: Json };

/** The sender of the request, as far as the connection reveals it. */
export interface Client {
  /** The address in its canonical form; see `clientAddress`. */
  readonly address: string;
  /** It has at most 512 characters, and its control characters are replaced. */
  readonly userAgent: string;
}

/** The user and session of the access token, after it has been verified. */
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

/** One request after it has passed every step of its endpoint. */
export interface Call<E extends Endpoint> {
  readonly input: InputOf<E>;
  readonly params: ParamsOf<E>;
  readonly query: QueryOf<E>;
  readonly client: Client;
  readonly requestId: string;
  readonly caller: E["access"] extends "public" | "signed" ? undefined : Caller;
  /** The cookies of the request, if it may use them. */
  readonly cookies: PresentedCookies | undefined;
  /** Adds a `Set-Cookie` header to the answer. */
  setCookie(line: string): void;
}

/** The type of a body. It may be read-only, because an answer is only serialised. */
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

/** Members of the problem besides the standard ones. `retryAfterSeconds` also sets Retry-After. */
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

/** A call whose endpoint, and so the types of its parts, is not known. */
export interface AnyCall {
  readonly input: unknown;
  readonly params: unknown;
  readonly query: unknown;
  readonly client: Client;
  readonly requestId: string;
  readonly caller: Caller | undefined;
  readonly cookies: PresentedCookies | undefined;
  setCookie(line: string): void;
}

export interface Route {
  readonly endpoint: Endpoint;
  /**
   * This is a method because TypeScript compares the parameters of methods both ways, so a handler
   * of typed calls fits. That is sound: the edge parses each call with this endpoint's schemas.
   */
  handle(call: AnyCall): AnyReply | Promise<AnyReply>;
  /**
   * Is asked before the request is read. Under a flood, a request that is turned away must cost
   * next to nothing (IN-07).
   */
  turnAway?(): AnyReply | undefined;
}

/**
 * Joins an endpoint to its handler. The handler can only give the answers and refusals that the
 * endpoint lists.
 */
export function serve<const E extends Endpoint>(
  endpoint: E,
  handle: (call: Call<NoInfer<E>>) => Reply<NoInfer<E>> | Promise<Reply<NoInfer<E>>>,
  turnAway?: () => Refused<NoInfer<E>> | undefined,
): Route {
  return { endpoint, handle, ...(turnAway !== undefined && { turnAway }) };
}
