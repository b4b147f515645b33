import { endpointName, undelivered } from "../notify/index.ts";
import { ok, warning, type Patient, type Sight } from "./check.ts";

/** Who is told what, and whether anything could not be delivered. */
export function checkNotify({ instance: { config } }: Patient): readonly Sight[] {
  if (config.notify.length === 0) return [ok("Nobody is told: `notify` declares no endpoint")];
  return config.notify.map((endpoint, index) => {
    const subject = `${index}`;
    const what = `${endpointName(endpoint)} is told of ${endpoint.on.join(", ")}`;
    const waiting = undelivered(config.stateDir, endpoint);
    return waiting === 0
      ? ok(what, subject)
      : warning(
          `${what}; ${waiting === 1 ? "1 notification waits" : `${waiting} notifications wait`} to be delivered`,
          "See what it answers: holdfast notify test",
          subject,
        );
  });
}
