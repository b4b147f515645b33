import { monotonicNow } from "../../kernel/index.ts";
import { setTimeout as sleep } from "node:timers/promises";
import type { NotifyConfig } from "../../config/index.ts";
import type { Instance } from "../instance.ts";
import { undone, type Delivery } from "./delivery.ts";
import type { Notification } from "./notification.ts";
import { tellCommand } from "./tell-command.ts";

export const ATTEMPTS = 3;
/** Before the second attempt, in milliseconds; four times that before the third. */
const BACK_OFF = 250;

export interface Budget {
  /** Of this process's monotonic clock. */
  readonly until: number;
  readonly attempts: number;
  readonly signal?: AbortSignal;
}

/** Tries until it is delivered, refused for good, or the time is over. A hang takes all of it: a second one would hang as well. */
export async function send(instance: Instance, endpoint: NotifyConfig, notification: Notification, budget: Budget): Promise<Delivery> {
  let delivery: Delivery = undone("There was no time left for it", true);
  for (let attempt = 0; attempt < budget.attempts; attempt += 1) {
    if (attempt > 0 && !(await pause(BACK_OFF * 4 ** (attempt - 1), budget))) return delivery;
    const millis = Math.floor(budget.until - monotonicNow());
    if (millis <= 0 || budget.signal?.aborted === true) return delivery;
    const timeout = AbortSignal.timeout(millis);
    const signal = budget.signal === undefined ? timeout : AbortSignal.any([timeout, budget.signal]);
    delivery = await tell(instance, endpoint, notification, { millis, signal });
    if (delivery.delivered || !delivery.again) return delivery;
  }
  return delivery;
}

async function tell(
  instance: Instance,
  endpoint: NotifyConfig,
  notification: Notification,
  time: { readonly millis: number; readonly signal: AbortSignal },
): Promise<Delivery> {
  if (!("url" in endpoint)) return await tellCommand(instance, endpoint.command, notification, time);
  // Loaded when somebody is told: a backup of a state that nobody touched takes a tenth longer with HTTP and TLS in memory.
  const { tellUrl } = await import("./tell-url.ts");
  return await tellUrl(endpoint, notification, time.signal);
}

/** @returns whether there is time for another attempt after it */
async function pause(millis: number, { until, signal }: Budget): Promise<boolean> {
  if (monotonicNow() + millis >= until) return false;
  try {
    await sleep(millis, undefined, signal === undefined ? {} : { signal });
    return true;
  } catch {
    return false;
  }
}
