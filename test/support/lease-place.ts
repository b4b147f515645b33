import { existsSync, readdirSync } from "node:fs";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { sqliteLease, type Acquired, type AcquireRequest, type LeaseKeeper } from "../../src/lease/index.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A state folder of its own, with a keeper in this process, and a way to the store behind everybody's back. */
export interface LeasePlace extends AsyncDisposable {
  readonly stateDir: string;
  readonly keeper: LeaseKeeper;
  /** A path inside the state folder. */
  join(...names: string[]): string;
  /** acquire(), where nobody else can hold it. */
  hold(request?: Partial<AcquireRequest>): Promise<Acquired>;
  sql(statement: string): void;
  /** The one row as it is stored. */
  row(): Record<string, SQLOutputValue>;
}

export function leasePlace({ blocking = true }: { readonly blocking?: boolean } = {}): LeasePlace {
  const folder = temporaryFolder();
  const stateDir = folder.join("state");
  const keeper = sqliteLease({ stateDir, blocking });
  const withDatabase = <T>(work: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(folder.join("state", "lease", "lease.db"));
    try {
      return work(database);
    } finally {
      database.close();
    }
  };
  return {
    stateDir,
    keeper,
    join: (...names) => folder.join("state", ...names),
    hold: async (request) => {
      const answer = await keeper.acquire({ owner: "test", ...request });
      if (answer.outcome === "held") throw new Error(`The lease is held: ${JSON.stringify(answer)}`);
      return answer;
    },
    sql: (statement) => withDatabase((database) => database.exec(statement)),
    row: () => withDatabase((database) => database.prepare("SELECT * FROM lease").get() ?? {}),
    [Symbol.asyncDispose]: async () => {
      await keeper[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** How many descriptors this process has open. */
export function openDescriptors(): number {
  if (!existsSync("/proc/self/fd")) throw new Error("Descriptors are counted on Linux only");
  return readdirSync("/proc/self/fd").length;
}
