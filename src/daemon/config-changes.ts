import { redact } from "../kernel/index.ts";

/** What differs between two configurations, a line each: `tasks.kbSync.schedule.every: 1800000 -> 600000`. */
export function configChanges(before: object, after: object): readonly string[] {
  const was = flatten(before);
  const is = flatten(after);
  return [...new Set([...was.keys(), ...is.keys()])]
    .filter((key) => was.get(key) !== is.get(key))
    .map((key) => redact(`${key}: ${was.get(key) ?? "absent"} -> ${is.get(key) ?? "absent"}`));
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
