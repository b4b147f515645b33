import { nearest } from "../kernel/index.ts";
import { checkHealth } from "./check-health.ts";
import { DEFAULT_TASK_NAMES } from "./config.ts";
import { isMap } from "./environment.ts";
import { type KeyPath, meant, type Report } from "./problem.ts";
import { BACKUP_TIMEOUT, TASK_TIMEOUT } from "./build-tasks.ts";
import { timeoutOf } from "./quantities.ts";
import { isName, NAME_RULE } from "./schema-fields.ts";
import { task as TASK_SCHEMA } from "./schema-tasks.ts";
import { keysOf } from "./schema-tree.ts";

const NOT_FOR_SERVICES = ["every", "cron", "timezone", "after", "timeout", "stall", "yield"];
const NOT_FOR_BUILTIN = ["every", "cron", "timezone", "after"];

type Tasks = Readonly<Record<string, unknown>>;

/** What concerns more than one key of a task, or more than one task. Passes over what has the wrong type, which the schema tells. */
export function checkTasks(tasks: Tasks, report: Report): void {
  checkNames(Object.keys(tasks), report);
  for (const [name, task] of Object.entries(tasks)) {
    if (!isMap(task)) continue;
    const path = ["tasks", name];
    if (isMap(task["ready"])) checkHealth([...path, "ready"], task["ready"], report);
    if (task["keep_running"] === true) checkService(name, task, report);
    else if (task["keep_running"] === undefined || task["keep_running"] === false) checkTask(name, task, report);
    if (Array.isArray(task["after"])) checkAfter(name, task["after"], tasks, report);
  }
  checkCycles(tasks, report);
}

function checkNames(names: readonly string[], report: Report): void {
  const seen = new Map(DEFAULT_TASK_NAMES.map((name) => [name.toLowerCase(), name]));
  for (const name of names) {
    const path = ["tasks", name];
    const twin = seen.get(name.toLowerCase()) ?? name;
    seen.set(name.toLowerCase(), twin);
    if (!isName(name)) {
      report(path, "key", `${JSON.stringify(name)} is not a task's name`, { hint: `A name has ${NAME_RULE}` });
    } else if (twin !== name && DEFAULT_TASK_NAMES.includes(twin)) {
      // It would be another task, and outside the heavy set.
      report(path, "key", `"${name}" and the default task "${twin}" differ in case only`, meant(twin));
    } else if (twin !== name) {
      report(path, "key", `"${name}" and "${twin}" differ in case only`, { hint: "Variables of the environment do not tell them apart" });
    }
  }
}

function checkService(name: string, task: Record<string, unknown>, report: Report): void {
  const path = ["tasks", name];
  if (name === "backup") {
    report([...path, "keep_running"], "key", "The task `backup` cannot be a service", { hint: "Give the service another name" });
    return;
  }
  if (task["builtin"] !== undefined) report([...path, "builtin"], "key", "`builtin` is for the task `backup` only");
  for (const key of NOT_FOR_SERVICES)
    if (task[key] !== undefined) report([...path, key], "key", `\`${key}\` has no effect on a service, which \`keep_running\` makes it`);
  if (task["heavy"] === true)
    report([...path, "heavy"], "key", "`heavy` has no effect on a service, which `keep_running` makes it: services never take the lease");
  checkCommand(path, task, report);
}

function checkTask(name: string, task: Record<string, unknown>, report: Report): void {
  const path = ["tasks", name];
  const has = (key: string): boolean => task[key] !== undefined;
  if (has("ready")) report([...path, "ready"], "key", "`ready` has an effect with `keep_running` only");
  if (has("builtin")) {
    if (name !== "backup") report([...path, "builtin"], "key", "`builtin` is for the task `backup` only");
    else if (has("command")) report([...path, "builtin"], "key", "A task has either `command` or `builtin`, not both");
  }
  if (has("yield") && !(task["heavy"] ?? DEFAULT_TASK_NAMES.includes(name)))
    report([...path, "yield"], "key", "`yield` has an effect on a heavy task only: others hold no lease");
  checkStall(path, task, name === "backup" && !has("command") ? BACKUP_TIMEOUT : TASK_TIMEOUT, report);
  if (name === "backup" && !has("command") && typoOf("command", task) === undefined) {
    for (const key of NOT_FOR_BUILTIN) {
      if (!has(key)) continue;
      const own = key === "timezone" ? "time zone is `backup.timezone`" : "schedule is `backup.schedule_hours` or `backup.schedule`";
      report([...path, key], "key", `\`${key}\` has no effect on the builtin backup: its ${own}`);
    }
    return;
  }
  checkCommand(path, task, report);
  if (has("every") && has("cron")) report([...path, "cron"], "key", "A task has either `every` or `cron`, not both");
  if (has("timezone") && !has("cron") && typoOf("cron", task) === undefined)
    report([...path, "timezone"], "key", "`timezone` has an effect with `cron` only");
  const scheduled = ["every", "cron"].some((key) => has(key) || typoOf(key, task) !== undefined);
  if (scheduled || has("builtin") || DEFAULT_TASK_NAMES.includes(name) || typoOf("keep_running", task) !== undefined) return;
  report(path, "key", `Task "${name}" has neither \`every\` nor \`cron\``, {
    hint: "Say when it is due, such as `every: 30m`; `keep_running: true` makes it a service",
  });
}

function checkCommand(path: KeyPath, task: Record<string, unknown>, report: Report): void {
  if (task["command"] !== undefined || task["builtin"] !== undefined || typoOf("command", task) !== undefined) return;
  report(path, "key", `Task "${path.at(-1)}" has no \`command\``);
}

/** A mistyped key is one mistake, and not also a missing one. */
function typoOf(key: string, task: Record<string, unknown>): string | undefined {
  const known = keysOf(TASK_SCHEMA);
  return Object.keys(task).find((word) => !Object.hasOwn(known, word) && nearest(word, Object.keys(known)) === key);
}

function checkStall(path: KeyPath, { stall, timeout }: Record<string, unknown>, fallback: string, report: Report): void {
  const [short, long] = [stall, timeout ?? fallback].map((text) => (typeof text === "string" ? timeoutOf(text) : undefined));
  if (typeof short === "number" && typeof long === "number" && short >= long)
    report([...path, "stall"], "value", `\`stall\` has no effect unless it is shorter than \`timeout\`, which is ${fallback} unless given`);
}

function checkAfter(name: string, after: readonly unknown[], tasks: Tasks, report: Report): void {
  const known = [...new Set([...Object.keys(tasks), ...DEFAULT_TASK_NAMES])];
  for (const [index, other] of after.entries()) {
    if (typeof other !== "string" || other === "") continue;
    const path = ["tasks", name, "after", index];
    const task = Object.hasOwn(tasks, other) ? tasks[other] : undefined;
    if (!known.includes(other)) {
      const near = nearest(other, known);
      report(path, "value", `No task is called "${other}"`, near === undefined ? { hint: `Known are: ${known.join(", ")}` } : meant(near));
    } else if (after.indexOf(other) < index) report(path, "value", `"${other}" is here twice`);
    else if (other === name) report(path, "value", `"${name}" cannot come after itself`);
    else if (isMap(task) && task["keep_running"] === true)
      report(path, "value", `"${other}" is a service, which nothing comes after: it never ends`);
  }
}

/** Each cycle is told once, where the last of its steps stands. */
function checkCycles(tasks: Tasks, report: Report): void {
  const done = new Set<string>();
  const visit = (name: string, chain: readonly string[]): void => {
    if (done.has(name)) return;
    const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
    const after: readonly unknown[] = isMap(task) && Array.isArray(task["after"]) ? task["after"] : [];
    for (const [index, other] of after.entries()) {
      if (typeof other !== "string" || other === name || after.indexOf(other) < index) continue;
      const start = chain.indexOf(other);
      if (start === -1) visit(other, [...chain, other]);
      else {
        const circle = [...chain.slice(start), other].map((member) => `"${member}"`).join(" after ");
        report(["tasks", name, "after", index], "value", `These tasks wait for each other: ${circle}`);
      }
    }
    done.add(name);
  };
  for (const name of Object.keys(tasks)) visit(name, [name]);
}
