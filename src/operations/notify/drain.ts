import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { NotifyConfig } from "../../config/index.ts";
import { monotonicNow, removeFile, tryFileLock } from "../../kernel/index.ts";
import type { Instance } from "../instance.ts";
import { endpointName } from "./endpoint.ts";
import { outboxOf, undelivered, waitingIn } from "./outbox.ts";
import { send, type Budget } from "./send.ts";

const LOOK_AGAIN = 50;

/**
 * Delivers what waits for one endpoint, oldest first: a check that hears of a failure after the success that followed it
 * would stay red. One process at a time does.
 *
 * @returns what went wrong, one line each
 */
export async function drain(
  instance: Instance,
  endpoint: NotifyConfig,
  attempts: number,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const { stateDir } = instance.config;
  if (undelivered(stateDir, endpoint) === 0) return [];
  const budget: Budget = { until: monotonicNow() + endpoint.timeout, attempts, ...(signal === undefined ? {} : { signal }) };
  const folder = outboxOf(stateDir, endpoint);
  using lock = await lockWithin(join(folder, "lock"), budget);
  // Somebody else is at it, and says what came of it.
  if (lock === undefined) return [];
  const problems: string[] = [];
  const say = (text: string): void => void problems.push(`${endpointName(endpoint)}: ${text}`);
  for (;;) {
    const { waiting, dropped } = waitingIn(folder, instance.clock.now());
    if (dropped > 0) say(`${dropped} notifications that could not be delivered for a day, or were too many, are dropped`);
    const next = waiting[0];
    if (next === undefined) return problems;
    const delivery = await send(instance, endpoint, next.notification, budget);
    if (!delivery.delivered && delivery.again) {
      say(
        `${delivery.problem}; ${waiting.length === 1 ? "the notification is" : `${waiting.length} notifications are`} kept, and sent again later`,
      );
      return problems;
    }
    if (!delivery.delivered) say(`${delivery.problem}; the notification "${next.notification.message}" is dropped`);
    removeFile(next.file);
  }
}

async function lockWithin(path: string, { until, signal }: Budget): Promise<Disposable | undefined> {
  for (;;) {
    const lock = tryFileLock(path, "write");
    if (lock !== undefined || signal?.aborted === true || monotonicNow() + LOOK_AGAIN >= until) return lock;
    await sleep(LOOK_AGAIN);
  }
}
