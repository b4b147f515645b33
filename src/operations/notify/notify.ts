import type { NotifyConfig } from "../../config/index.ts";
import { monotonicNow, namedSystemError } from "../../kernel/index.ts";
import type { Instance } from "../instance.ts";
import { drain } from "./drain.ts";
import { endpointName } from "./endpoint.ts";
import { notificationOf, type Happening } from "./notification.ts";
import { keep } from "./outbox.ts";
import { ATTEMPTS, send } from "./send.ts";

/** Still to be done for one endpoint; never rejects. */
export type Telling = (signal?: AbortSignal) => Promise<readonly string[]>;

/**
 * Tells every endpoint that asked for it, all at once, each within its `timeout`. What does not arrive is kept and sent again by
 * the next one who tells, or by the daemon. Never throws.
 *
 * @returns what went wrong, one line each, for the log
 */
export async function notify(instance: Instance, happening: Happening, signal?: AbortSignal): Promise<readonly string[]> {
  return await tellAll(queue(instance, happening), signal);
}

/** Keeps the notification for each of its endpoints; sending it is another step, which a crash may cut off. */
export function queue(instance: Instance, happening: Happening): readonly Telling[] {
  const { notify: endpoints } = instance.config;
  const asked = endpoints.filter(({ on }) => happening.event !== "test" && on.includes(happening.event));
  if (asked.length === 0) return [];
  const notification = notificationOf(instance, happening);
  return asked.map((endpoint) => {
    try {
      keep(instance.config.stateDir, endpoint, notification);
    } catch (error) {
      // A full disk is what somebody has to hear of most.
      const problem = `${endpointName(endpoint)}: ${namedSystemError(error, "keep the notification").message}`;
      return async (signal) => [problem, ...(await sendNow(instance, endpoint, notification, signal))];
    }
    return async (signal) => await orProblem(endpoint, () => drain(instance, endpoint, ATTEMPTS, signal));
  });
}

export async function tellAll(tellings: readonly Telling[], signal?: AbortSignal): Promise<readonly string[]> {
  return (await Promise.all(tellings.map((tell) => tell(signal)))).flat();
}

async function sendNow(
  instance: Instance,
  endpoint: NotifyConfig,
  notification: ReturnType<typeof notificationOf>,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const until = monotonicNow() + endpoint.timeout;
  return await orProblem(endpoint, async () => {
    const delivery = await send(instance, endpoint, notification, {
      until,
      attempts: ATTEMPTS,
      ...(signal === undefined ? {} : { signal }),
    });
    return delivery.delivered ? [] : [`${endpointName(endpoint)}: ${delivery.problem}; the notification is lost`];
  });
}

/** Telling is never a reason for anything else to fail. */
export async function orProblem(endpoint: NotifyConfig, work: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await work();
  } catch (error) {
    return [`${endpointName(endpoint)}: ${namedSystemError(error, "deliver notifications").message}`];
  }
}
