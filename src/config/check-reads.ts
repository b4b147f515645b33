import { isMap } from "./environment.ts";
import type { Report } from "./problem.ts";

/** Where `read` of a component has no effect: on what is no database, on a copy made under a pause, and in an archive. */
export function checkReads(components: Record<string, unknown>, format: unknown, report: Report): void {
  const paused = new Set(
    Object.values(components).flatMap((component) => (isMap(component) && component["pause"] !== undefined ? [component["group"]] : [])),
  );
  for (const [name, component] of Object.entries(components)) {
    if (!isMap(component) || component["read"] === undefined) continue;
    const { kind, group, command, pause } = component;
    const refuse = (why: string, hint: string): void =>
      report(["components", name, "read"], "key", `\`read\` has no effect ${why}`, { hint });
    const leave = "Leave `read` out";
    if (command !== undefined) refuse("on a command's output", leave);
    else if (typeof kind === "string" && kind !== "sqlite") refuse(`with the kind "${kind}"`, leave);
    else if (pause !== undefined) refuse("under a pause, where everything is copied first", leave);
    else if (group !== undefined && paused.has(group)) refuse("in a group that is paused, where everything is copied first", leave);
    else if (format !== "repository")
      refuse("in an archive, whose databases are always copied first", "Set `format: repository`, or leave `read` out");
  }
}
