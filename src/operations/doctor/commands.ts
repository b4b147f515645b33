import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { programsOf } from "../programs.ts";
import { ok, problem, type Patient, type Sight } from "./check.ts";

/** Whether each program that the configuration names can be started. A pause that cannot be ended is worse than none. */
export function checkCommands({ instance: { config, env } }: Patient): readonly Sight[] {
  const programs = programsOf(config);
  if (programs.length === 0) return [ok("None are declared")];
  return programs.map(({ key, argv: [program = ""] }) => {
    const found = findProgram(program, config.folder, env["PATH"] ?? "");
    return found === undefined
      ? problem(
          `"${program}" is not there, or cannot be executed`,
          "Correct the path, make it executable (chmod +x), or put it on the PATH that Holdfast runs with",
          key,
        )
      : ok(found, key);
  });
}

/** As execvp(3) looks: a name with a slash is a path, from the configuration's folder, and any other is on the PATH. */
export function findProgram(program: string, folder: string, path: string): string | undefined {
  const candidates = program.includes("/")
    ? [resolve(folder, program)]
    : path.split(delimiter).map((place) => join(place === "" ? "." : place, program));
  return candidates.find((file) => mayRun(file));
}

function mayRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
