import { BlockList, isIP, isIPv4 } from "node:net";
import type { Parsed } from "../config-values.ts";

/** The address of whoever sends a request, where it may have come through proxies. */

/** Prefix lengths that say "this address alone". */
const BITS = { 4: 32, 6: 128 } as const;

/** Addresses and networks (`10.0.0.0/8`) with commas between them. */
export function parseNetworks(text: string): Parsed<string[]> {
  const networks = text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
  return networks.every((network) => networkOf(network) !== undefined)
    ? { ok: true, value: networks }
    : { ok: false, expected: "a list of addresses: write 10.0.0.7 or 172.16.0.0/12, several with commas between them" };
}

interface Network {
  readonly address: string;
  readonly bits: number;
  readonly family: "ipv4" | "ipv6";
}

function networkOf(text: string): Network | undefined {
  const [address = "", prefix, ...more] = text.split("/");
  const version = isIP(address);
  if ((version !== 4 && version !== 6) || more.length > 0) return undefined;
  if (prefix !== undefined && (!/^\d{1,3}$/.test(prefix) || Number(prefix) > BITS[version])) return undefined;
  return { address, bits: Number(prefix ?? BITS[version]), family: version === 4 ? "ipv4" : "ipv6" };
}

/**
 * Tells where a request comes from: its connection's other end or, if that is one of the proxies, the one that this proxy names
 * in `X-Forwarded-For`, and so on. What stands left of the first address that is no proxy's is the client's own invention.
 *
 * @param proxies as {@link parseNetworks} gives them
 */
export function addressWith(proxies: readonly string[]): (request: Request, peer: string | null) => string {
  const trusted = new BlockList();
  for (const proxy of proxies) {
    const network = networkOf(proxy);
    if (network) trusted.addSubnet(network.address, network.bits, network.family);
  }
  const isProxy = (address: string) => trusted.check(address, isIPv4(address) ? "ipv4" : "ipv6");
  return (request, peer) => {
    if (peer === null) return UNKNOWN;
    let address = plain(peer);
    if (proxies.length === 0 || !isProxy(address)) return subscriberOf(address);
    const forwarded = (request.headers.get("x-forwarded-for") ?? "").split(",");
    for (let next = forwarded.pop(); next !== undefined && isProxy(address); next = forwarded.pop()) {
      const named = plain(next.trim());
      if (isIP(named) === 0) break;
      address = named;
    }
    return subscriberOf(address);
  };
}

/** A connection without an address, such as one that has ended meanwhile. */
const UNKNOWN = "unknown";

/** An IPv4 address in the clothes of IPv6 is an IPv4 address. */
function plain(address: string): string {
  const bare = address.toLowerCase();
  return bare.startsWith("::ffff:") && isIPv4(bare.slice("::ffff:".length)) ? bare.slice("::ffff:".length) : bare;
}

/** The groups of an IPv6 address that a subscriber is given; the other four are its own to choose (RFC 6177). */
const SUBSCRIBER_GROUPS = 4;
const GROUPS = 8;

/** An IPv4 address as it is; of an IPv6 address the network, or its owner would be as many clients as it likes. */
function subscriberOf(address: string): string {
  if (isIPv4(address)) return address;
  const [front = "", back] = address.split("%", 1).join("").split("::");
  const groups = front === "" ? [] : front.split(":");
  if (back !== undefined) {
    const last = back === "" ? [] : back.split(":");
    // Two groups may be written as an IPv4 address; they are never among the first four where there is a gap before them.
    const width = last.length + (back.includes(".") ? 1 : 0);
    groups.push(...Array<string>(Math.max(0, GROUPS - groups.length - width)).fill("0"), ...last);
  }
  return `${groups
    .slice(0, SUBSCRIBER_GROUPS)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
