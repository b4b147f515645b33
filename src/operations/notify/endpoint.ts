import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { NotifyConfig } from "../../config/index.ts";

/** Under which what waits for it is kept. Another token in its headers is the same endpoint. */
export function endpointKey(endpoint: NotifyConfig): string {
  const what = "url" in endpoint ? ["url", endpoint.style, endpoint.url] : ["command", ...endpoint.command];
  return createHash("sha256").update(JSON.stringify(what)).digest("hex").slice(0, 24);
}

/** What it is called in a log: of an address the host alone, because its path is a secret wherever a ping or a chat gives one. */
export function endpointName(endpoint: NotifyConfig): string {
  return "url" in endpoint ? hostOf(endpoint.url) : `command ${basename(endpoint.command[0] ?? "")}`;
}

/** The same endpoint for a file that may be shown around. */
export function secretless(endpoint: NotifyConfig): unknown {
  if (!("url" in endpoint)) return endpoint;
  return {
    ...endpoint,
    url: hostOf(endpoint.url),
    headers: Object.fromEntries(Object.keys(endpoint.headers).map((name) => [name, "***"])),
  };
}

function hostOf(address: string): string {
  const { origin, pathname } = new URL(address);
  return pathname === "/" ? origin : `${origin}/…`;
}
