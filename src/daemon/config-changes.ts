import type { Config } from "../config/index.ts";
import { redact } from "../kernel/index.ts";
import { keepSecrets, secretless } from "../operations/index.ts";

/**
 * What differs between two configurations, a line each: `tasks.kbSync.schedule.every: 1800000 -> 600000`. Of a value that nobody
 * may read, such as a header or the address of a ping, only that it has changed.
 */
export function configChanges(before: Partial<Config>, after: Partial<Config>, env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const [was, is] = [flatten(before), flatten(after)];
  const [wasShown, isShown] = [flatten(shown(before, env)), flatten(shown(after, env))];
  const sides = (key: string): readonly [string, string] => [
    was.has(key) ? (wasShown.get(key) ?? HIDDEN) : "absent",
    is.has(key) ? (isShown.get(key) ?? HIDDEN) : "absent",
  ];
  return [...new Set([...was.keys(), ...is.keys()])]
    .filter((key) => was.get(key) !== is.get(key))
    .map((key) => {
      const [left, right] = sides(key);
      return redact(left === right ? `${key}: changed` : `${key}: ${left} -> ${right}`);
    });
}

const HIDDEN = "***";

function shown(config: Partial<Config>, env: NodeJS.ProcessEnv): unknown {
  const { notify } = config;
  return keepSecrets(null, env)(notify === undefined ? config : { ...config, notify: notify.map(secretless) });
}

/** Leaves by their place. Things in a list that have a name go by it, so that one more of them changes no other. */
function flatten(value: unknown, at = "", into: Map<string, string> = new Map()): Map<string, string> {
  if (typeof value !== "object" || value === null) {
    into.set(at, JSON.stringify(value) ?? "absent");
    return into;
  }
  for (const [key, inner] of Object.entries(value)) {
    // Where something stands in the file is no part of what it says.
    if (key === "position") continue;
    flatten(inner, at === "" ? nameOf(inner, key) : `${at}.${nameOf(inner, key)}`, into);
  }
  return into;
}

function nameOf(value: unknown, key: string): string {
  return /^\d+$/.test(key) && typeof value === "object" && value !== null && "name" in value ? String(value.name) : key;
}
