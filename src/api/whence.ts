import { UsageError } from "../kernel/index.ts";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * A page whose name was made to point here after it was loaded asks by that name: only known names are answered.
 *
 * @throws UsageError HOST_REFUSED
 */
export function refuseForeignHost(request: Request, known: ReadonlySet<string>): void {
  const hosts = [new URL(request.url).host, request.headers.get("host")];
  for (const host of hosts) {
    if (host === null) continue;
    const name = nameOf(host);
    if (LOOPBACK.has(name) || known.has(name)) continue;
    throw new UsageError("HOST_REFUSED", `The API was asked as "${name.slice(0, 200)}", which is not among its names`, {
      hint: "Add that name to server.allowed_hosts",
    });
  }
}

/** Without the port; an IPv6 address with its brackets. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
}

/**
 * What a browser sends along when a page asks: nothing but a page of this very origin may change anything.
 *
 * @throws UsageError ORIGIN_REFUSED
 */
export function refuseForeignOrigin(request: Request): void {
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  const own =
    origin === null || (URL.canParse(origin) && new URL(origin).host === (request.headers.get("host") ?? new URL(request.url).host));
  if (own && (site === null || site === "same-origin" || site === "none")) return;
  throw new UsageError("ORIGIN_REFUSED", "A page of another origin asked to change something", {
    hint: "Ask from a program, or from a page that this server serves",
  });
}
