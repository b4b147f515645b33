import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createAdaptorServer } from "@hono/node-server";
import { ConfigError, HostError } from "../kernel/index.ts";
import type { Instance } from "../operations/index.ts";

export interface Listening {
  /** "http://127.0.0.1:7420" */
  readonly url: string;
  /** Takes no more requests, gives those that run a moment, then closes every connection. Stops nothing that was started. */
  close(): Promise<void>;
}

/** How slow a client may be, in milliseconds, and how long its headers. */
const LIMITS: Limits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 2000,
  maxHeaderSize: 16_384,
};
type Limits = Readonly<
  Record<"headersTimeout" | "requestTimeout" | "keepAliveTimeout" | "connectionsCheckingInterval" | "maxHeaderSize", number>
>;
const MOST_CONNECTIONS = 512;
/** For requests that run when it is closed. Milliseconds. */
const GRACE = 1000;

export interface ListenRequest {
  readonly server: Instance["config"]["server"];
  readonly fetch: (request: Request, env: object) => Promise<Response> | Response;
  /** Ends what would keep connections open for ever. */
  readonly onClose: () => void;
  /** For tests, which have no patience. */
  readonly limits?: Partial<Limits>;
}

/** @throws HostError LISTEN_FAILED · ConfigError CONFIG_INVALID for an address that other machines reach, without `insecure` */
export async function listen({ server: settings, fetch, onClose, limits = {} }: ListenRequest): Promise<Listening> {
  const { host, port, insecure } = settings;
  const loopback = host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
  if (!loopback && !insecure)
    throw new ConfigError("CONFIG_INVALID", `"${host}" is reached from other machines, and this version has no TLS`, {
      hint: "Listen on 127.0.0.1 behind something that has TLS, or set server.insecure",
    });
  const server = createAdaptorServer({
    fetch,
    hostname: host,
    // This process is somebody's daemon or host: its Request and Response stay its own.
    overrideGlobalObjects: false,
    serverOptions: { ...LIMITS, ...limits },
  }) as Server;
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(failure(error, `${host}:${port}`)));
    server.listen({ host, port }, resolve);
  });
  const address = server.address() as AddressInfo;
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return { url: `http://${name}:${address.port}`, close: () => close(server, onClose) };
}

function failure(error: NodeJS.ErrnoException, where: string): HostError {
  const why = error.code === "EADDRINUSE" ? "another process listens there" : error.message;
  return new HostError("LISTEN_FAILED", `Cannot listen on ${where}: ${why}`, {
    cause: error,
    hint: "Choose another address: server.listen",
  });
}

async function close(server: Server, onClose: () => void): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  onClose();
  server.closeIdleConnections();
  const waited = new AbortController();
  await Promise.race([closed, sleep(GRACE, undefined, { signal: waited.signal }).catch(() => {})]);
  waited.abort();
  server.closeAllConnections();
  await closed;
}
