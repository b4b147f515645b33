import { lookup, type LookupAddress } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/**
 * Where the metadata services of cloud machines answer with credentials, and what only neighbours reach: 169.254.0.0/16 and
 * fe80::/10 (RFC 3927, RFC 4291), the former also as IPv6 writes it (mapped, compatible, RFC 6052), and the one that lies elsewhere.
 */
const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet("169.254.0.0", 16, "ipv4");
LINK_LOCAL.addSubnet("fe80::", 10, "ipv6");
LINK_LOCAL.addSubnet("::a9fe:0", 112, "ipv6");
LINK_LOCAL.addSubnet("64:ff9b::a9fe:0", 112, "ipv6");
LINK_LOCAL.addAddress("fd00:ec2::254", "ipv6");

export function isLinkLocal(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && LINK_LOCAL.check(address, family === 6 ? "ipv6" : "ipv4");
}

/** Not worth another attempt, whatever is tried. */
export class LinkLocalError extends Error {
  constructor(host: string) {
    super(`"${host}" is a link-local address, and none is asked`);
  }
}

/** A host of a URL that is an address by itself: no name is looked up for it. */
export function refuseLinkLocal({ hostname }: URL): void {
  const address = hostname.replaceAll(/^\[|\]$/g, "");
  if (isLinkLocal(address)) throw new LinkLocalError(address);
}

/**
 * Resolves a name for the connection itself, and refuses what it must not connect to: between a look and the connection
 * another answer could come.
 */
export const safeLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, found: LookupAddress[]) => {
    const refused = error === null && found.some(({ address }) => isLinkLocal(address)) ? new LinkLocalError(host) : null;
    const failure = error ?? refused;
    if (failure !== null) callback(failure, "", 4);
    else if (options.all === true) callback(null, found);
    else callback(null, found[0]?.address ?? "", found[0]?.family ?? 4);
  });
};
