import * as z from "zod/mini";
import { listenOf } from "./listen-address.ts";
import type { RawServer } from "./raw-config.ts";
import { key, matching, onlyText, path, textThat } from "./schema-fields.ts";

/** A name or an address as a browser sends it, without the port. */
const HOST_PATTERN = "^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]{2,45}\\])$";

export const server: z.ZodMiniType<RawServer> = z.strictObject({
  listen: z.optional(
    key(textThat(listenComplaint), {
      title: "host:port",
      default: "127.0.0.1:7420",
      description: "Where the HTTP API listens; port 0 takes any free one. Other than loopback needs `insecure`",
    }),
  ),
  tokens_file: z.optional(
    key(path(), {
      title: "path",
      description: "Hashes and scopes of the tokens that open it; `tokens.json` in `state_dir` unless given, and made when it is not there",
    }),
  ),
  allowed_hosts: z.optional(
    key(z.array(matching(HOST_PATTERN, "must be a host name or address, without a port")), {
      default: [],
      description: "Names by which it may be asked, besides those of loopback and of `listen`",
    }),
  ),
  insecure: z.optional(
    key(z.boolean(), {
      default: false,
      description: "Listens elsewhere than on loopback although tokens and answers are not encrypted: put something with TLS before it",
    }),
  ),
});

function listenComplaint(text: string): string | undefined {
  const listen = listenOf(text);
  return typeof listen === "string" ? onlyText(listen) : undefined;
}
