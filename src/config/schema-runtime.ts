import * as z from "zod/mini";
import type { RawHealth, RawRuntime } from "./raw-config.ts";
import { argv, between, duration, key, matching, POINTER_PATTERN, textThat } from "./schema-fields.ts";

/** How to know that something works. A new one for each key: what the reference says of its keys differs. */
export const health = (what: "runtime" | "service"): z.ZodMiniType<RawHealth> =>
  z.strictObject({
    url: z.optional(
      key(textThat(webAddress), {
        title: "URL",
        description: "http or https address that is asked until it answers as expected. Either `url` or `command`",
      }),
    ),
    status: z.optional(key(between(100, 599), { default: 200, description: "With `url`: the HTTP status of a healthy answer" })),
    expect: z.optional(
      key(
        z.record(
          matching(POINTER_PATTERN, "must be a JSON pointer (RFC 6901), such as `/status`"),
          z.union([z.string(), z.number(), z.boolean(), z.null()]),
        ),
        {
          title: "map of JSON pointers to values",
          description: "With `url`: what the JSON of a healthy answer holds, by JSON pointer",
        },
      ),
    ),
    command: z.optional(key(argv(), { description: `Program and arguments that exit with 0 when the ${what} is healthy; no shell` })),
    timeout: z.optional(
      key(duration(), { title: "duration", default: "60s", description: `How long the ${what} may take to become healthy` }),
    ),
  });

export const runtime: z.ZodMiniType<RawRuntime> = z.strictObject({
  stop: key(argv(), { description: "Program and arguments that stop the runtime and return when it is down; no shell" }),
  start: key(argv(), { description: "Program and arguments that start it; may return before it is ready" }),
  timeout: z.optional(key(duration(), { title: "duration", default: "60s", description: "How long each of them may take" })),
  health: z.optional(key(health("runtime"), { description: "How to know that it works; a restore whose health fails is undone" })),
});

function webAddress(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return "must be a URL, such as http://127.0.0.1:3312/health";
  if (url.protocol !== "http:" && url.protocol !== "https:") return "must be an http or https address";
  return url.username === "" && url.password === "" ? undefined : "must hold no user and no password";
}
