import { join } from "node:path";
import { InternalError } from "../kernel/index.ts";
import type { Absolute } from "./build-runtime.ts";
import type { ServerConfig } from "./config.ts";
import { listenOf } from "./listen-address.ts";
import type { RawServer } from "./raw-config.ts";

const LISTEN = "127.0.0.1:7420";

export function serverOf(raw: RawServer, stateDir: string, absolute: Absolute): ServerConfig {
  const listen = listenOf(raw.listen ?? LISTEN);
  if (typeof listen === "string") throw new InternalError("An address to listen on that the schema let through cannot be read");
  return {
    ...listen,
    tokensFile: raw.tokens_file === undefined ? join(stateDir, "tokens.json") : absolute(raw.tokens_file),
    allowedHosts: (raw.allowed_hosts ?? []).map((host) => host.toLowerCase()),
    insecure: raw.insecure ?? false,
  };
}
