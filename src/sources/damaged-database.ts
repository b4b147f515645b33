import { CaptureError } from "../kernel/index.ts";

const WHY = {
  empty: "is empty, and an empty file is no database",
  "header-lost": "was a database in the newest good backup and does not begin with SQLite's header now",
  "log-beside": "does not begin with SQLite's header and has a write-ahead log or journal beside it: it is encrypted or damaged",
  "no-header": "is declared as a database and does not begin with SQLite's header",
  "other-sort": "was a database in the newest good backup and is no regular file now",
} as const;

/** What should be a database and is none fails its component; it is never captured as a file. */
export function damagedDatabase(path: string, why: keyof typeof WHY): CaptureError {
  return new CaptureError("DATABASE_DAMAGED", `"${path}" ${WHY[why]}`, {
    hint:
      why === "log-beside"
        ? "Restore it from an older backup; if it is encrypted or no database, exclude it or let a command component dump it"
        : "Restore it from an older backup; if it is meant to be so, exclude it or give the component another name",
  });
}
