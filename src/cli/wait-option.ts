import { Option } from "commander";
import { parseDuration, UsageError } from "../kernel/index.ts";

/** For everything that takes the lease: without it nobody is waited for. */
export function waitOption(): Option {
  return new Option("--wait <duration>", "wait so long for whoever does heavy work now (30s, 10m; default: not at all)");
}

/** Milliseconds. */
export function waitOf(options: Readonly<Record<string, unknown>>): number {
  const given = options["wait"];
  if (given === undefined) return 0;
  const wait = parseDuration(String(given));
  if (wait === undefined) throw new UsageError("USAGE", `Not a duration: "${String(given)}"`, { hint: "Write 30s, 5m or 1h" });
  return wait;
}
