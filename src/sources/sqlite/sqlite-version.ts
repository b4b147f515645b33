import { HostError } from "../../kernel/index.ts";

/** 3.7.0 to 3.51.2 can corrupt a database when a write-ahead log is restarted under a reader. */
const OLDEST = [3, 51, 3] as const;

export function isSafeSqlite(version: string): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, wanted] of OLDEST.entries()) {
    const part = parts[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}

export function requireSafeSqlite(version: string = process.versions.sqlite ?? "0"): void {
  if (isSafeSqlite(version)) return;
  throw new HostError("VERSION_UNSUPPORTED", `SQLite ${version} can corrupt a write-ahead log, and databases are not opened with it`, {
    hint: `Run Holdfast with a Node that carries SQLite ${OLDEST.join(".")} or newer`,
  });
}
