import { readFileSync, statSync, truncateSync } from "node:fs";
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
  const path = join(stateDir, FILE);
  try {
    replaceFile(path, `${JSON.stringify(run, null, 2)}\n`);
  } catch (error) {
    // On a full disk an earlier success must not go on speaking for this run, and cutting a file off needs no space.
    if (!run.ok) cutOff(path);
    throw error;
  }
}

function cutOff(path: string): void {
  try {
    truncateSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}

/** null when there was none. A record that cannot be read is one of a run that failed and could not be written down. */
export function readLastRun(stateDir: string): LastRun | null {
  const path = join(stateDir, FILE);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
  return (
    parseRun(text) ?? {
      at: statSync(path).mtime.toISOString(),
      trigger: "unknown",
      ok: false,
      id: null,
      code: null,
      message: "What became of it could not be written down",
    }
  );
}

function parseRun(text: string): LastRun | undefined {
  try {
    const value = JSON.parse(text) as LastRun | null;
    return typeof value?.ok === "boolean" && typeof value.at === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
