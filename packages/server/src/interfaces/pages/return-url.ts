/**
 * Tells whether the account pages may send a user to an address (CK-12). A listed address also
 * allows a query and a fragment, and nothing beside or below it.
 */
export function isListed(wanted: string, returnUrls: readonly string[]): boolean {
  if (!URL.canParse(wanted)) return false;
  const url = new URL(wanted);
  if (url.username !== "" || url.password !== "") return false;
  return returnUrls.some((listed) => {
    const allowed = new URL(listed);
    return (
      url.protocol === allowed.protocol &&
      url.host === allowed.host &&
      url.pathname === allowed.pathname
    );
  });
}
