import { appendFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, makeFolder } from "../kernel/index.ts";

export interface AuditLine {
  /** ISO 8601. */
  readonly time: string;
  /** Name of the token. */
  readonly token: string;
  readonly address: string;
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  /** The same in the two lines of one request. */
  readonly call: string;
  /** null: it is allowed and begins. A process that is killed then leaves this line alone. */
  readonly status: number | null;
}

/** Bytes; then it becomes `audit.log.1`, and the one before that goes. */
const LARGEST = 8 * 1024 * 1024;

export interface Audit {
  /** For each request to change something a line before anything changes, and one with what became of it. Never a body. */
  write(line: AuditLine): Promise<void>;
}

/** JSON Lines for this account alone, one after the other; on the disk when write() resolves. */
export function auditLog(stateDir: string): Audit {
  const file = join(stateDir, "audit.log");
  let last: Promise<void> = Promise.resolve();
  const write = async (line: AuditLine): Promise<void> => {
    makeFolder(stateDir);
    await turnOver(file);
    await appendFile(file, `${JSON.stringify(line)}\n`, { mode: 0o600, flush: true });
  };
  return {
    write: (line) => {
      const written = last.then(() => write(line));
      last = written.catch(() => {});
      return written;
    },
  };
}

async function turnOver(file: string): Promise<void> {
  try {
    if ((await stat(file)).size >= LARGEST) await rename(file, `${file}.1`);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}
