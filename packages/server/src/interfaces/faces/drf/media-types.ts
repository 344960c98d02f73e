/**
 * What DRF's default renderers are called; whichever is asked for, JSON is written: there is no
 * browsable API.
 */
const rendered = ["application/json", "text/html"];
const formats: ReadonlySet<string> = new Set(["json", "api"]);

/**
 * Whether a media range, of an Accept or even a Content-Type header, takes in one of our types.
 * Parameters, weights too, are not looked at.
 */
export function covers(range: string, mediaType: string): boolean {
  const essence = (range.split(";", 1)[0] ?? "").trim().toLowerCase();
  const [type, subtype] = halves(essence);
  const [ownType, ownSubtype] = halves(mediaType);
  return (type === "*" || type === ownType) && (subtype === "*" || subtype === ownSubtype);
}

/**
 * @param accept the header; absent, anything will do, but an empty one asks for nothing that exists
 */
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
