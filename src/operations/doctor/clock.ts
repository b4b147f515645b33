import { fromTheFuture } from "../../vault/index.ts";
import { ok, problem, type Patient, type Sight } from "./check.ts";

/** No run of this program can be older than the program. */
const BEFORE_US = Date.parse("2026-01-01T00:00:00Z");

/** Ages, schedules and retention go by the clock: one that is wrong makes old backups look new, and new ones old. */
export async function checkClock({ now, listing }: Patient): Promise<readonly Sight[]> {
  const time = new Date(now).toISOString();
  if (now < BEFORE_US)
    return [problem(`The clock says ${time}, which is long past`, "Set the clock of this machine, by NTP if it can be had")];
  const later = fromTheFuture((await listing()).backups, now);
  const [newest] = later;
  if (newest === undefined) return [ok(time)];
  const those = later.length === 1 ? "1 backup was" : `${later.length} backups were`;
  return [
    problem(
      `${those} taken later than ${time}, which the clock says it is: the newest is ${newest.id}`,
      "Set the clock; when it is right now, it was ahead then, and retention refuses to decide until that time has come",
    ),
  ];
}
