import { nearest } from "../kernel/index.ts";
import { checkEncryption } from "./check-encryption.ts";
import { checkHealth } from "./check-health.ts";
import { checkNotify } from "./check-notify.ts";
import { checkReads } from "./check-reads.ts";
import { checkServer } from "./check-server.ts";
import { checkTasks } from "./check-tasks.ts";
import { checkVerify } from "./check-verify.ts";
import { isMap } from "./environment.ts";
import { type KeyPath, keyText, meant, type Problem, type Report } from "./problem.ts";
import { isName, NAME_RULE } from "./schema-fields.ts";
import type { Locate } from "./schema-problems.ts";

/** The component that every backup carries by itself: the configuration. */
const RESERVED_NAME = "holdfast";
const ONLY_WITH_COMMAND = ["as", "timeout", "restore"];
const ONLY_FOR_TREES = ["exclude", "include", "exclude_larger", "exclude_caches", "one_file_system"];

/**
 * What concerns more than one key. Reads data that the schema may have refused already, so that everything wrong is told
 * at once; what has the wrong type is the schema's to tell, and passed over here.
 */
export function meaningProblems(root: Record<string, unknown>, locate: Locate): Problem[] {
  const problems: Problem[] = [];
  const report: Report = (path, at, message, hint) => {
    problems.push({ key: keyText(path), message, place: locate(path, at), ...hint });
  };
  const components = isMap(root["components"]) ? root["components"] : undefined;
  if (components !== undefined) {
    checkNames(Object.keys(components), report);
    for (const [name, component] of Object.entries(components))
      if (isMap(component)) checkComponent(["components", name], component, report);
  }
  const runtime = isMap(root["runtime"]) ? root["runtime"] : {};
  if (isMap(runtime["health"])) checkHealth(["runtime", "health"], runtime["health"], report);
  if (isMap(root["tasks"])) checkTasks(root["tasks"], report);
  if (isMap(root["server"])) checkServer(root["server"], report);
  checkNotify(root, report);
  checkVerify(root, report);
  const names = components === undefined ? undefined : Object.keys(components);
  const backup = isMap(root["backup"]) ? root["backup"] : {};
  if (names !== undefined && Array.isArray(backup["include"])) checkInclude(backup["include"], names, report);
  if (backup["schedule"] !== undefined && backup["schedule_hours"] !== undefined)
    report(["backup", "schedule"], "key", "A backup has either `schedule_hours` or `schedule`, not both");
  if (isMap(root["backup"])) checkEncryption(root["backup"], report);
  if (components !== undefined) checkReads(components, backup["format"], report);
  const version = isMap(root["schema_version"]) ? root["schema_version"]["component"] : undefined;
  if (names !== undefined && typeof version === "string" && version !== "") {
    const path = ["schema_version", "component"];
    if (!names.includes(version)) report(path, "value", `No component is called "${version}"`, meant(nearest(version, names)));
    else if (isMap(components?.[version]) && components[version]["command"] !== undefined) {
      report(path, "value", `Component "${version}" is a command's output, not a database`);
    }
  }
  return problems;
}

function checkNames(names: readonly string[], report: Report): void {
  if (names.length === 0) report(["components"], "key", "`components` declares nothing to protect");
  const seen = new Map<string, string>();
  for (const name of names) {
    const path = ["components", name];
    const twin = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), name);
    if (!isName(name)) {
      report(path, "key", `${JSON.stringify(name)} is not a component's name`, { hint: `A name has ${NAME_RULE}` });
    } else if (name.toLowerCase() === RESERVED_NAME) {
      report(path, "key", `"${name}" is the component that holds this configuration itself`, { hint: "Give this one another name" });
    } else if (twin !== undefined) {
      report(path, "key", `"${name}" and "${twin}" differ in case only`, {
        hint: "Names become folders, which some systems do not tell apart by case",
      });
    }
  }
}

function checkComponent(path: KeyPath, component: Record<string, unknown>, report: Report): void {
  const has = (key: string): boolean => component[key] !== undefined;
  const { kind } = component;
  if (has("path") && has("command")) {
    report([...path, "command"], "key", "A component has either `path` or `command`, not both");
  } else if (has("command")) {
    if (!has("as")) report(path, "key", "`as` is missing: the name of the file that holds the command's output");
    if (typeof kind === "string" && kind !== "command")
      report([...path, "kind"], "value", `With \`command\`, the kind is "command", not "${kind}"`);
    for (const key of ONLY_FOR_TREES) if (has(key)) report([...path, key], "key", `\`${key}\` has no effect on a command's output`);
  } else if (has("path")) {
    if (kind === "command") report([...path, "kind"], "value", 'The kind "command" needs `command` in place of `path`');
    for (const key of ONLY_WITH_COMMAND) if (has(key)) report([...path, key], "key", `\`${key}\` has an effect with \`command\` only`);
    if (typeof kind !== "string" || kind === "tree" || kind === "command") return;
    for (const key of ONLY_FOR_TREES)
      if (has(key)) report([...path, key], "key", `\`${key}\` has an effect on a folder only, and the kind is "${kind}"`);
  } else if (nearest("path", Object.keys(component)) === undefined) {
    report(path, "key", `Component "${path.at(-1)}" has neither \`path\` nor \`command\``);
  }
}

function checkInclude(include: readonly unknown[], names: readonly string[], report: Report): void {
  for (const [index, name] of include.entries()) {
    if (typeof name !== "string" || name === "") continue;
    const path = ["backup", "include", index];
    if (!names.includes(name)) {
      const near = nearest(name, names);
      report(
        path,
        "value",
        `No component is called "${name}"`,
        near === undefined ? { hint: `Declared are: ${names.join(", ")}` } : meant(near),
      );
    } else if (include.indexOf(name) < index) {
      report(path, "value", `"${name}" is here twice`);
    }
  }
}
