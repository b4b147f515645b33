import { readdirSync, readFileSync } from "node:fs";

/** Ends every process that holds a snapshot of a database for this one; gives them. One that is ending may be given again. */
export function killPins(): readonly string[] {
  const own = `/proc/${process.pid}/task`;
  const children = readdirSync(own).flatMap((thread) =>
    readFileSync(`${own}/${thread}/children`, "utf8").trim().split(" ").filter(Boolean),
  );
  const pins = children.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("pin-child"));
  for (const pid of pins) process.kill(Number(pid), "SIGKILL");
  return pins;
}
