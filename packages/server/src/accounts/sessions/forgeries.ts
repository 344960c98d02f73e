/** Counts a token that this server has not made against the address that sent it (RF-12). */
export type CountForgery = (
  address: string,
) => Promise<
  { readonly kind: "taken" } | { readonly kind: "exhausted"; readonly retryAfterSeconds: number }
>;
