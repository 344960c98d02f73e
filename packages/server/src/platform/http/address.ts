import ipaddr from "ipaddr.js";

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** The ranges of proxies that are believed when they name the client they forward for. */
export type TrustedProxies = readonly (readonly [Address, number])[];

const UNKNOWN = "0.0.0.0";
const MAX_HOPS = 32;

/** @throws {RangeError} if one of `ranges` is neither an address nor in CIDR notation */
export function trustedProxies(ranges: readonly string[]): TrustedProxies {
  return ranges.map((range) => {
    const [text = "", bits] = range.split(/\/(.*)/s, 2);
    const address = parse(text);
    if (
      address === undefined ||
      (bits !== undefined && !ipaddr.isValidCIDR(`${address.toString()}/${bits}`))
    )
      throw new RangeError(`"${range}" is not an address range such as 10.0.0.0/8 or fd00::/8`);
    return [address, bits === undefined ? address.toByteArray().length * 8 : Number(bits)];
  });
}

/**
 * Returns the canonical address of the client (LG-09). X-Forwarded-For is believed only if the peer
 * of the connection is in `proxies`. It is then read from the right, past every trusted proxy. No
 * other forwarding header is read at all.
 *
 * @param remote       the peer of the connection
 * @param forwardedFor X-Forwarded-For; several headers are joined by commas
 */
export function clientAddress(
  remote: string | undefined,
  forwardedFor: string | undefined,
  proxies: TrustedProxies,
): string {
  const peer = parse(remote ?? UNKNOWN);
  if (peer === undefined) return UNKNOWN;
  if (proxies.length === 0 || forwardedFor === undefined) return peer.toString();

  let client = peer;
  for (const hop of forwardedFor.split(",").slice(-MAX_HOPS).toReversed()) {
    if (!isTrusted(client, proxies)) break;
    const before = parse(withoutPort(hop.trim()));
    if (before === undefined) break;
    client = before;
  }
  return client.toString();
}

const REMEMBERED = 4096;

/**
 * Makes a `clientAddress` that works out each peer only once, because the log asks for the address
 * of every request.
 */
export function clientAddresses(
  proxies: TrustedProxies,
): (remote: string | undefined, forwardedFor: string | undefined) => string {
  const peers = new Map<string | undefined, string>();
  return (remote, forwardedFor) => {
    if (proxies.length > 0 && forwardedFor !== undefined)
      return clientAddress(remote, forwardedFor, proxies);
    const known = peers.get(remote);
    if (known !== undefined) return known;
    if (peers.size === REMEMBERED) peers.clear();
    const address = clientAddress(remote, undefined, proxies);
    peers.set(remote, address);
    return address;
  };
}

/**
 * Returns the keys by which limits per address are counted (LG-08). For IPv4, they are the address
 * and its /24. For IPv6, they are the /64, which one customer commonly holds, and the /48 above it.
 */
export function addressKeys(address: string): {
  readonly address: string;
  readonly subnet: string;
} {
  const parsed = parse(address) ?? ipaddr.parse(UNKNOWN);
  if (parsed.kind() === "ipv4") return { address: parsed.toString(), subnet: network(parsed, 24) };
  return { address: network(parsed, 64), subnet: network(parsed, 48) };
}

function parse(text: string): Address | undefined {
  // ipaddr.js also reads octal, hexadecimal and shortened IPv4, which proxies and firewalls read
  // differently.
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  const plain = text.split("%", 1)[0] ?? "";
  if (!plain.includes(":") || !ipaddr.IPv6.isValid(plain)) return undefined;
  const address = ipaddr.IPv6.parse(plain);
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

function withoutPort(hop: string): string {
  const matched =
    /^\[([^\]]+)\](?::\d{1,5})?$/.exec(hop) ?? /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(hop);
  return matched?.[1] ?? hop;
}

function isTrusted(address: Address, proxies: TrustedProxies): boolean {
  return proxies.some(
    ([range, bits]) => range.kind() === address.kind() && address.match(range, bits),
  );
}

function network(address: Address, bits: number): string {
  const bytes = address
    .toByteArray()
    .map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))) & 0xff);
  return `${ipaddr.fromByteArray(bytes).toString()}/${bits}`;
}
