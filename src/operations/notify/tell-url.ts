import { errnoOf, messageOf, redact } from "../../kernel/index.ts";
import type { NotifyConfig } from "../../config/index.ts";
import { DELIVERED, undone, type Delivery } from "./delivery.ts";
import { LinkLocalError } from "./link-local.ts";
import type { Notification } from "./notification.ts";
import { ForeignRedirectError, post, type Answer, type Post } from "./request.ts";

type Address = Extract<NotifyConfig, { readonly url: string }>;

/** Answers that may be others later: too early, too many, and whatever is wrong at the other end. */
const LATER = [408, 425, 429];
/** healthchecks.io says so with status 200, where the check was deleted or pings come too often. */
const NOT_TAKEN = /\((not found|rate limited)\)/;

export async function tellUrl(endpoint: Address, notification: Notification, signal: AbortSignal): Promise<Delivery> {
  try {
    return judge(
      await post(endpoint.style === "healthchecks" ? pingOf(endpoint, notification) : webhookOf(endpoint, notification), signal),
      endpoint,
    );
  } catch (error) {
    if (error instanceof LinkLocalError || error instanceof ForeignRedirectError) return undone(error.message, false);
    if (signal.aborted) return undone("It did not answer in time", true);
    const message = messageOf(error);
    return undone(redact(message === "" ? (errnoOf(error) ?? "The connection failed") : message), true);
  }
}

function judge({ status, text }: Answer, { style }: Address): Delivery {
  if (style === "healthchecks" && NOT_TAKEN.test(text))
    return undone(`It answered ${status} ${text.trim()}`, text.includes("rate limited"));
  if ((status >= 200 && status < 300) || status === 303) return DELIVERED;
  return undone(`It answered ${status}`, status >= 500 || LATER.includes(status));
}

function webhookOf({ url, headers }: Address, notification: Notification): Post {
  return { url, headers, contentType: "application/json", body: `${JSON.stringify(notification)}\n`, read: false };
}

/**
 * A ping as healthchecks.io describes it: the address itself says success, /fail says failure, /log is written down and changes
 * nothing; the body is kept with it. That something is over is no success of a backup.
 */
function pingOf({ url, headers }: Address, { event, state, subject, message }: Notification): Post {
  const target = new URL(url);
  const suffix = event === "success" ? "" : event === "test" || state === "end" ? "/log" : "/fail";
  target.pathname = `${target.pathname.replace(/\/+$/, "")}${suffix}`;
  return { url: target.href, headers, contentType: "text/plain; charset=utf-8", body: `${event}: ${subject}\n${message}\n`, read: true };
}
