import { accessSync, constants, type BigIntStats } from "node:fs";
import { identityOf, lstatAt, type FileIdentity } from "../../kernel/index.ts";
import { firstBytes, isDatabaseHeader, SIDECARS } from "../sniff.ts";

/** What can be seen of a database without opening it through SQLite. */
export interface DatabaseState {
  readonly identity: FileIdentity;
  readonly stats: BigIntStats;
  readonly sidecars: ReadonlyMap<(typeof SIDECARS)[number], BigIntStats>;
  readonly headed: boolean;
  /** Journal mode by bytes 18 and 19 of the header. */
  readonly wal: boolean;
  /** Bytes 24 to 28. */
  readonly changeCounter: number;
}

/** undefined when nothing is there. Reads 100 bytes of the file: for the engine's process, which holds no database open. */
export function databaseState(path: string): DatabaseState | undefined {
  const stats = lstatAt(path);
  if (stats === undefined) return undefined;
  const header = firstBytes(path, 100);
  const sidecars = new Map<(typeof SIDECARS)[number], BigIntStats>();
  for (const suffix of SIDECARS) {
    const sidecar = lstatAt(path + suffix);
    if (sidecar !== undefined) sidecars.set(suffix, sidecar);
  }
  return {
    identity: identityOf(stats),
    stats,
    sidecars,
    headed: isDatabaseHeader(header),
    wal: header[18] === 2 || header[19] === 2,
    changeCounter: header.length < 28 ? 0 : header.readUInt32BE(24),
  };
}

export function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
