/**
 * Provides what a browser gives the scripts of a page at `origin` and Node does not: storage, and
 * addresses without a host.
 */
export function openPage(origin: string): {
  readonly stored: ReadonlyMap<string, string>;
  readonly answers: readonly Response[];
} {
  const stored = new Map<string, string>();
  const answers: Response[] = [];
  const Original = globalThis.Request;
  const send = globalThis.fetch;
  class PageRequest extends Original {
    constructor(asked: string | URL | Request, init?: RequestInit) {
      super(asked instanceof Original ? asked : new URL(asked, origin), init);
    }
  }
  const localStorage = {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, value: string) => void stored.set(name, value),
    removeItem: (name: string) => void stored.delete(name),
  };
  const fetch = async (asked: string | Request, init?: RequestInit): Promise<Response> => {
    const answer = await send(new PageRequest(asked, init));
    answers.push(answer.clone());
    return answer;
  };
  for (const [name, value] of Object.entries({ localStorage, fetch, Request: PageRequest }))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  return { stored, answers };
}
