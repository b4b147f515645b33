import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openReading, type ReadingRequest } from "../../src/sources/index.ts";
import type { Reading } from "../../src/vault/index.ts";
import { databaseProgram, type DatabaseProgram } from "./database-program.ts";
import { makeDatabase, NOW } from "./source-database.ts";
import { testPlace, type TestPlace } from "./source-place.ts";

export interface LiveDatabase extends AsyncDisposable {
  readonly place: TestPlace;
  readonly path: string;
  readonly copy: string;
  readonly program: DatabaseProgram;
  open(request?: Partial<ReadingRequest>): Promise<Reading>;
}

/** A database of 100 rows, and one more that is in its log only, kept open by another process. */
export async function liveDatabase(): Promise<LiveDatabase> {
  const place = testPlace();
  const path = join(place.state, "live.db");
  makeDatabase(path, "wal");
  const program = databaseProgram(path);
  await program.run("PRAGMA wal_autocheckpoint=0");
  await program.run("INSERT INTO t (x) VALUES ('in the log')");
  return {
    place,
    path,
    copy: join(place.folder, "copy.db"),
    program,
    open: async (request = {}) => await openReading(place.request({ path, read: "pinned", now: NOW, ...request })),
    [Symbol.asyncDispose]: async () => {
      await program.kill();
      place[Symbol.dispose]();
    },
  };
}

/** Harms a file where it lies. */
export function writeOver(path: string, at: number, text: string): void {
  const bytes = readFileSync(path);
  bytes.write(text, at, "latin1");
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, bytes);
  closeSync(descriptor);
}
