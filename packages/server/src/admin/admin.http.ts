import type { Route } from "../http/serve.ts";

export function adminRoutes(_deps: object): readonly Route[] {
  return [];
}
