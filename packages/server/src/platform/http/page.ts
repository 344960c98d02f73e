import type { Method } from "@portcullis/contract";
import type { Headers } from "./headers.ts";
import type { Client } from "./serve.ts";

/**
 * Something served beside the contract's endpoints: documentation, metrics, a development mailbox,
 * a face.
 */
export interface Page {
  /** For the log and the metrics. */
  readonly name: string;
  readonly method: Method | "PUT";
  /** With parameters as `{name}`. */
  readonly path: `/${string}`;
  readonly visit: (visit: Visit) => PageAnswer | Promise<PageAnswer>;
}

/** Answers wherever nothing else is served, whatever the method: a face. */
export interface Elsewhere {
  /**
   * @param path as sent, escapes and all. The names of the pages are a few, whatever is asked for:
   *   they are labels of metrics.
   */
  readonly find: (path: string) => {
    readonly page: Pick<Page, "name" | "visit">;
    readonly params: Visit["params"];
  };
}

export interface Visit {
  readonly request: Request;
  /** Path and query as sent. */
  readonly target: string;
  /** A header by its lower-case name; several are joined by commas. */
  readonly header: (name: string) => string | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly client: Client;
  readonly requestId: string;
}

/** `headers` are laid over those every answer carries. */
export type PageAnswer =
  | {
      readonly kind: "page";
      readonly status: number;
      readonly body: string | Uint8Array<ArrayBuffer> | null;
      readonly headers: Headers;
    }
  | { readonly kind: "not_found" };
