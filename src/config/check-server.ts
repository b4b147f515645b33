import { isLoopback, listenOf } from "./listen-address.ts";
import type { Report } from "./problem.ts";

/** What the keys of `server` mean to each other. */
export function checkServer(server: Record<string, unknown>, report: Report): void {
  const { listen, insecure } = server;
  if (insecure !== undefined && typeof insecure !== "boolean") return;
  const address = typeof listen === "string" ? listenOf(listen) : undefined;
  if (typeof address === "string" || (listen !== undefined && address === undefined)) return;
  const loopback = address === undefined || isLoopback(address.host);
  if (!loopback && insecure !== true)
    report(["server", "listen"], "value", `"${String(listen)}" is reached from other machines, and this version has no TLS`, {
      hint: "Listen on 127.0.0.1 behind something that has TLS, or write `insecure: true` to have tokens and answers pass unencrypted",
    });
  if (loopback && insecure === true)
    report(["server", "insecure"], "key", "`insecure` has an effect with an address that other machines reach only");
}
