import { NotFoundError, nearest } from "../kernel/index.ts";
import { defineTasks, type DefinedTasks, type Task } from "../orchestrator/index.ts";
import type { Instance } from "./instance.ts";

/** What the configuration says of tasks, joined with the defaults. */
export function definedTasks(instance: Instance): DefinedTasks {
  const { tasks, backup, verify } = instance.config;
  return defineTasks(
    tasks,
    {
      enabled: backup.enabled,
      schedule: backup.schedule,
      argv: instance.engine(["backup", "create", "--trigger", "scheduled", "--json"]),
    },
    verify.every === null
      ? null
      : { schedule: { every: verify.every }, argv: instance.engine(["verify", "--sample", verify.sampleText, "--json"]) },
  );
}

/** @throws NotFoundError TASK_NOT_FOUND */
export function findTask(instance: Instance, name: string): Task {
  const { tasks, services, idle } = definedTasks(instance);
  const task = tasks.find((one) => one.name === name);
  if (task !== undefined) return task;
  if (services.some((one) => one.name === name))
    throw new NotFoundError("TASK_NOT_FOUND", `"${name}" is a service, which the daemon keeps running`, {
      hint: "Start it with: holdfast daemon",
    });
  if (idle.some((one) => one.name === name))
    throw new NotFoundError("TASK_NOT_FOUND", `Nothing is declared for task "${name}"`, {
      hint: name === "backup" ? "backup.enabled is false: take one with holdfast backup" : `Give it a command: tasks.${name}.command`,
    });
  const near = nearest(
    name,
    tasks.map((one) => one.name),
  );
  throw new NotFoundError("TASK_NOT_FOUND", `No task is called "${name}"`, {
    hint: near === undefined ? "See them with: holdfast task list" : `Did you mean "${near}"?`,
  });
}
