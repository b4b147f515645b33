import * as z from "zod/mini";
import type { RawOrchestrator, RawTask } from "./raw-config.ts";
import { spanOf } from "./quantities.ts";
import { argv, cron, duration, filled, key, onlyText, span, textThat, timezone } from "./schema-fields.ts";
import { health } from "./schema-runtime.ts";

const LONGEST_LABEL = 200;
const SHORTEST_POLL = 100;
const LONGEST_POLL = 3_600_000;

/** What a task's keys mean to each other is in check-tasks.ts. */
export const task: z.ZodMiniType<RawTask> = z.strictObject({
  label: z.optional(
    key(textThat(labelComplaint), { description: "What the log calls it; the name unless given, and the default names have labels" }),
  ),
  command: z.optional(key(argv(), { description: "Program and arguments; no shell. `./` is the configuration's folder" })),
  builtin: z.optional(
    key(z.enum(["backup"]), { description: "In place of `command`, for the task `backup` only, and what it is unless it has a `command`" }),
  ),
  every: z.optional(key(span(), { title: "duration", description: "How often it runs. Either `every` or `cron`" })),
  cron: z.optional(key(cron(), { title: "cron expression", description: "When it runs, of five fields or six with seconds first" })),
  timezone: z.optional(
    key(timezone(), { title: "IANA time zone", description: "With `cron`: whose clock it goes by; `backup.timezone` unless given" }),
  ),
  heavy: z.optional(
    key(z.boolean(), {
      description: "Whether it runs under the heavy-maintenance lease; unless given, whether the default heavy set names it",
    }),
  ),
  timeout: z.optional(
    key(duration(), {
      title: "duration",
      default: "1h",
      description: "How long it may take before it is stopped; the backup `12h`, as long as it is `builtin`",
    }),
  ),
  stall: z.optional(key(duration(), { title: "duration", description: "No output and no CPU for so long stops it" })),
  yield: z.optional(
    key(z.enum(["stdin", "signal"]), { description: "How it is asked to give the lease back; it is not asked unless given" }),
  ),
  after: z.optional(key(z.array(filled()), { default: [], description: "Tasks that it runs after: declared ones, or default names" })),
  keep_running: z.optional(
    key(z.boolean(), { default: false, description: "A service: started again whenever it ends, outside the lease" }),
  ),
  ready: z.optional(key(health("service"), { description: "With `keep_running`: how to know that the service works" })),
});

export const orchestrator: z.ZodMiniType<RawOrchestrator> = z.strictObject({
  poll_interval: z.optional(
    key(textThat(pollComplaint), { title: "duration", default: "3s", description: "How often it is looked for what is due; 100ms to 1h" }),
  ),
  max_deferral: z.optional(
    key(span(), {
      title: "duration",
      description: "How long a task may be deferred before it is starving; one cadence of the task, at least 1h, unless given",
    }),
  ),
  max_hold: z.optional(
    key(duration(), { title: "duration", default: "30m", description: "How long a task may hold the lease before it is asked to yield" }),
  ),
  startup_wait: z.optional(
    key(duration(), {
      title: "duration",
      default: "60s",
      description:
        "How long the backup at startup waits for another holder of the lease; then the runtime starts without it, and it is due at once",
    }),
  ),
  shutdown_timeout: z.optional(
    key(duration(), {
      title: "duration",
      default: "8s",
      description: "How long a shutdown may take; below what the service manager gives",
    }),
  ),
});

/** It stands in lines of the log. */
function labelComplaint(text: string): string | undefined {
  if (text.trim() === "") return "must not be empty";
  return /[\p{Cc}\p{Zl}\p{Zp}]/u.test(text) || text.length > LONGEST_LABEL
    ? `must be one line of at most ${LONGEST_LABEL} characters`
    : undefined;
}

function pollComplaint(text: string): string | undefined {
  const millis = spanOf(text);
  if (typeof millis === "string") return onlyText(millis);
  return millis < SHORTEST_POLL || millis > LONGEST_POLL ? "must be from 100ms to 1h" : undefined;
}
