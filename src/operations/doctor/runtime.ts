import { ok, warning, type Patient, type Sight } from "./check.ts";

/** Whether a restore in place can stop the program whose state it replaces, and knows when it works again. */
export function checkRuntime({ instance: { config } }: Patient): readonly Sight[] {
  const { runtime } = config;
  if (runtime === null)
    return [
      warning(
        "`runtime` is not declared: a restore in place neither stops nor starts the program",
        "Add runtime: { stop: [...], start: [...], health: {...} }, or stop it by hand before a restore",
      ),
    ];
  if (runtime.health === null)
    return [
      warning(
        "`runtime.health` is not declared: a restore that the program cannot work with is not undone by itself",
        "Add runtime.health with a `url` or a `command`",
      ),
    ];
  return [ok("stop, start and health are declared")];
}
