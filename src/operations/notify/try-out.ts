import { monotonicNow } from "../../kernel/index.ts";
import type { Instance } from "../instance.ts";
import { endpointName } from "./endpoint.ts";
import { notificationOf } from "./notification.ts";
import { ATTEMPTS, send } from "./send.ts";

/** What came of one endpoint. */
export interface Trial {
  readonly endpoint: string;
  /** The events that it is told. */
  readonly on: readonly string[];
  readonly delivered: boolean;
  readonly problem: string | null;
}

/** Sends a test to every endpoint, whatever it asked for, and keeps nothing that does not arrive. */
export async function testNotify(instance: Instance, signal?: AbortSignal): Promise<readonly Trial[]> {
  const { name, notify: endpoints } = instance.config;
  const notification = notificationOf(instance, {
    event: "test",
    subject: "test",
    message: `This is a test of the notifications of ${name}: nothing is wrong`,
  });
  return await Promise.all(
    endpoints.map(async (endpoint) => {
      const until = monotonicNow() + endpoint.timeout;
      const delivery = await send(instance, endpoint, notification, {
        until,
        attempts: ATTEMPTS,
        ...(signal === undefined ? {} : { signal }),
      });
      return {
        endpoint: endpointName(endpoint),
        on: endpoint.on,
        delivered: delivery.delivered,
        problem: delivery.delivered ? null : delivery.problem,
      };
    }),
  );
}
