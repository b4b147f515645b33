import { readFileSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, replaceFile } from "../kernel/index.ts";

/** What became of the newest backup run. A run that fails leaves no backup, so the vault alone cannot tell of it. */
export interface LastRun {
  readonly at: string;
  readonly trigger: string;
  readonly ok: boolean;
  readonly id: string | null;
  readonly code: string | null;
  readonly message: string | null;
}

const FILE = "last-run.json";

export function recordRun(stateDir: string, run: LastRun): void {
  replaceFile(join(stateDir, FILE), `${JSON.stringify(run, null, 2)}\n`);
}

export function readLastRun(stateDir: string): LastRun | null {
  try {
    const value = JSON.parse(readFileSync(join(stateDir, FILE), "utf8")) as LastRun | null;
    return typeof value?.ok === "boolean" && typeof value.at === "string" ? value : null;
  } catch (error) {
    // A torn record of a run must not hide the state of the vault; only "not there" is normal.
    if (errnoOf(error) === "ENOENT" || error instanceof SyntaxError) return null;
    throw error;
  }
}
