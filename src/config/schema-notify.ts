import * as z from "zod/mini";
import { NOTIFY_EVENTS } from "./config.ts";
import { timeoutOf } from "./quantities.ts";
import type { RawHooks, RawNotify } from "./raw-config.ts";
import { argv, duration, key, onlyText, textThat } from "./schema-fields.ts";

/** A run waits for its notifications to be delivered, so that it must not be long. */
const LONGEST_DELIVERY = 60_000;

const HOOK =
  "no shell. What happened is in the variables BACKUP_INSTANCE, BACKUP_TRIGGER, BACKUP_ID, BACKUP_OUTCOME, BACKUP_ERROR_CODE and BACKUP_ERROR";

export const hooks: z.ZodMiniType<RawHooks> = z.strictObject({
  before: z.optional(
    key(argv(), { description: `Program and arguments that run before anything is captured; the backup fails when it does; ${HOOK}` }),
  ),
  after: z.optional(
    key(argv(), {
      description:
        "Program and arguments that run when a backup has ended, however it ended; its failure is told and changes nothing. BACKUP_OUTCOME is complete, partial, failed, interrupted or deferred",
    }),
  ),
  error: z.optional(
    key(argv(), {
      description: "Program and arguments that run when a backup has failed, before `after`; its failure is told and changes nothing",
    }),
  ),
  timeout: z.optional(
    key(duration(), { title: "duration", default: "60s", description: "How long each of them may take; then its process group is ended" }),
  ),
});

export const notify: z.ZodMiniType<RawNotify> = z.strictObject({
  url: z.optional(
    key(textThat(addressComplaint), {
      title: "URL",
      description: "http or https address that is told, by POST. Either `url` or `command`",
    }),
  ),
  style: z.optional(
    key(z.enum(["webhook", "healthchecks"]), {
      default: "webhook",
      description:
        "With `url`: `webhook` gets a JSON document; `healthchecks` gets a ping at the address itself on success, at address/fail when something is wrong, and at address/log when that is over, each with the message as its text",
    }),
  ),
  command: z.optional(key(argv(), { description: "Program and arguments that get the JSON document on their standard input; no shell" })),
  on: z.optional(
    key(z.array(z.enum(NOTIFY_EVENTS)).check(z.minLength(1, { error: "must name an event, or not be given" })), {
      title: "list of success, failure, overdue, starving, damage",
      default: ["failure", "overdue", "starving", "damage"],
      description: "What it is told; with `style: healthchecks` success and failure unless given",
    }),
  ),
  timeout: z.optional(
    key(textThat(deliveryComplaint), {
      title: "duration",
      default: "10s",
      description:
        "How long a delivery may take in all, with its three attempts; at most 1m. What is not delivered by then is kept for a day and tried again",
    }),
  ),
  headers: z.optional(
    key(z.record(z.string(), textThat(headerValueComplaint)), {
      title: "map of text",
      description: "With `url`: more header fields of the request, such as Authorization",
    }),
  ),
});

function addressComplaint(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return "must be a URL, such as https://hc-ping.com/your-uuid";
  if (url.protocol !== "http:" && url.protocol !== "https:") return "must be an http or https address";
  return url.username === "" && url.password === "" ? undefined : "must hold no user and no password; put them into `headers`";
}

function deliveryComplaint(text: string): string | undefined {
  const millis = timeoutOf(text);
  if (typeof millis === "string") return onlyText(millis);
  return millis > LONGEST_DELIVERY ? "must be at most 1m" : undefined;
}

/** A line break in it would begin a field of its own. */
function headerValueComplaint(text: string): string | undefined {
  return /^[\t\x20-\x7E]*$/.test(text) ? undefined : "must be one line of ASCII text";
}
