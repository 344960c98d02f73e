import type { Method } from "@portcullis/contract";
import type { Headers } from "./headers.ts";
import type { Client } from "./serve.ts";

/**
 * Something that is served in addition to the contract's endpoints: documentation, metrics, a
 * development mailbox.
 */
export interface Page {
  /** The name in the log and in the metrics. */
  readonly name: string;
  readonly method: Method | "PUT";
  /** May have parameters, written as `{name}`. */
  readonly path: `/${string}`;
  readonly visit: (visit: Visit) => PageAnswer | Promise<PageAnswer>;
}

/** Answers at every path where nothing else is served, whatever the method: the faces. */
export interface Elsewhere {
  /**
   * The names of the pages are labels of metrics, so there must be few of them, whatever path is
   * asked for.
   *
   * @param path as it was sent, with its escapes
   */
  readonly find: (path: string) => {
    readonly page: Pick<Page, "name" | "visit">;
    readonly params: Visit["params"];
  };
}

export interface Visit {
  readonly request: Request;
  /** Path and query as they were sent. */
  readonly target: string;
  /** Finds a header by its lower-case name; several of one name are joined by commas. */
  readonly header: (name: string) => string | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly client: Client;
  readonly requestId: string;
}

/** A finished answer. Its `headers` replace those of the same name that every answer carries. */
export interface WrittenPage {
  readonly kind: "page";
  readonly status: number;
  readonly body: string | Uint8Array<ArrayBuffer> | null;
  readonly headers: Headers;
}

export type PageAnswer = WrittenPage | { readonly kind: "not_found" };
