import { ok, problem, type Host, type Sights } from "./check.ts";

/** What package.json asks for as well. */
const OLDEST = [24, 15] as const;

export function checkNode({ versions }: Host): Sights {
  const [major = 0, minor = 0] = versions.node.split(".").map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return [ok(`Node ${versions.node}`)];
  return [problem(`Node ${versions.node} is older than ${OLDEST.join(".")}`, "Install a newer Node; this one lacks what Holdfast needs")];
}
