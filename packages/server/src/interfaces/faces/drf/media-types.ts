/**
 * The media types of DRF's default renderers. The answer is JSON for both, because there is no
 * browsable API.
 */
const rendered = ["application/json", "text/html"];
const formats: ReadonlySet<string> = new Set(["json", "api"]);

/**
 * Tells whether a media range of an Accept header, or a Content-Type, covers one of our types.
 * Parameters, including weights, are ignored.
 */
export function covers(range: string, mediaType: string): boolean {
  const essence = (range.split(";", 1)[0] ?? "").trim().toLowerCase();
  const [type, subtype] = halves(essence);
  const [ownType, ownSubtype] = halves(mediaType);
  return (type === "*" || type === ownType) && (subtype === "*" || subtype === ownSubtype);
}

/** @param accept the header; if it is absent anything will do, but an empty one matches nothing */
export function isAcceptable(accept = "*/*"): boolean {
  if (accept === "*/*" || accept === "application/json") return true;
  return accept.split(",").some((range) => rendered.some((own) => covers(range, own)));
}

export function isFormat(name: string): boolean {
  return formats.has(name);
}

function halves(essence: string): readonly [string, string] {
  const slash = essence.indexOf("/");
  return slash === -1 ? [essence, ""] : [essence.slice(0, slash), essence.slice(slash + 1)];
}
