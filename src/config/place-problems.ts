import { sep } from "node:path";
import type { Config } from "./config.ts";
import { type KeyPath, keyText, type Problem } from "./problem.ts";
import type { Locate } from "./schema-problems.ts";

/**
 * Folders that would swallow each other. What lies in the vault or in the state folder is never captured, so a component
 * there would be empty in every backup. Compared as written; links are followed when the backup is taken.
 */
export function placeProblems({ stateDir, backup, components }: Config, locate: Locate): Problem[] {
  const problems: Problem[] = [];
  const report = (path: KeyPath, message: string): void => {
    problems.push({ key: keyText(path), message, place: locate(path, "value") });
  };
  if (isInside(backup.path, stateDir) || isInside(stateDir, backup.path)) {
    report(["backup", "path"], `The vault and the state folder "${stateDir}" lie in each other`);
  }
  for (const { name, path } of components) {
    if (path === null || !("literal" in path)) continue;
    if (isInside(path.literal, backup.path))
      report(["components", name, "path"], `Component "${name}" lies in the vault, which is never captured`);
    else if (isInside(path.literal, stateDir))
      report(["components", name, "path"], `Component "${name}" lies in Holdfast's own state folder, which is never captured`);
  }
  return problems;
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
