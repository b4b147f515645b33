import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyActivity } from "./activity.ts";
import { countRows, makeDatabase, type TableCounts } from "./workload-database.ts";
import { makeCheckpoints, makeLogs, makeNotes } from "./workload-files.ts";

/** At scale 1; everything grows with the scale, except the size of one note. */
export const FULL = { databaseBytes: 546_000_000, notes: 30_000, checkpoints: 1000, logBytes: 300_000_000 } as const;
export const DEFAULT_SEED = 20_260_315;
/** Raised whenever the same seed would give other bytes, so that a cached workload of before is made anew. */
const FORMAT = 2;
const RECORD = "workload.json";

export interface WorkloadCounts {
  readonly notes: number;
  readonly noteBytes: number;
  readonly checkpoints: number;
  readonly checkpointBytes: number;
  readonly logBytes: number;
  readonly databaseBytes: number;
  readonly tables: TableCounts;
}

export interface Workload {
  /** Holds data/agent.db, memory/, checkpoints/ and logs/, and nothing else. */
  readonly root: string;
  readonly seed: number;
  readonly scale: number;
  /** Activity steps applied. */
  readonly steps: number;
  readonly counts: WorkloadCounts;
}

/**
 * The workload of this seed and scale, with one activity step behind it: taken from `folder` when it is there
 * whole, made otherwise, and checked in both cases.
 */
export function openWorkload(folder: string, seed: number, scale: number, say: (line: string) => void): Workload {
  const home = join(folder, `seed-${seed}-scale-${scale}`);
  const cached = readRecord(home, seed, scale);
  if (cached !== undefined) {
    checkWorkload(cached);
    say(`Workload found in ${home} and checked`);
    return cached;
  }
  // Without a record it is the rest of a run that was stopped; the folder's name is ours alone.
  rmSync(home, { recursive: true, force: true });
  say(`Making the workload in ${home}`);
  const started = performance.now();
  const workload = advance(makeWorkload(home, seed, scale));
  checkWorkload(workload);
  say(`Made and checked in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return workload;
}

function makeWorkload(home: string, seed: number, scale: number): Workload {
  const root = join(home, "tree");
  mkdirSync(join(root, "data"), { recursive: true });
  const notes = Math.round(FULL.notes * scale);
  const checkpoints = Math.max(5, Math.round(FULL.checkpoints * scale));
  const database = join(root, "data", "agent.db");
  const tables = makeDatabase(database, seed, FULL.databaseBytes * scale);
  const counts = {
    notes,
    noteBytes: makeNotes(join(root, "memory"), seed, notes),
    checkpoints,
    checkpointBytes: makeCheckpoints(join(root, "checkpoints"), seed, 0, checkpoints),
    logBytes: makeLogs(join(root, "logs"), seed, FULL.logBytes * scale),
    databaseBytes: statSync(database).size,
    tables,
  };
  return { root, seed, scale, steps: 0, counts };
}

/** Applies the next activity step and records it. Stopped halfway, the workload has no record and is made anew. */
export function advance(workload: Workload): Workload {
  const home = join(workload.root, "..");
  rmSync(join(home, RECORD), { force: true });
  const steps = workload.steps + 1;
  const counts = applyActivity(workload.root, workload.seed, steps, workload.counts);
  const advanced = { ...workload, steps, counts };
  const { root: _, ...record } = advanced;
  const temporary = join(home, `${RECORD}.tmp`);
  writeFileSync(temporary, JSON.stringify({ format: FORMAT, ...record }));
  renameSync(temporary, join(home, RECORD));
  return advanced;
}

function readRecord(home: string, seed: number, scale: number): Workload | undefined {
  const path = join(home, RECORD);
  if (!existsSync(path)) return undefined;
  const record = JSON.parse(readFileSync(path, "utf8")) as Omit<Workload, "root"> & { format: number };
  const { format, ...rest } = record;
  return format === FORMAT && rest.seed === seed && rest.scale === scale ? { root: join(home, "tree"), ...rest } : undefined;
}

/** Bytes of everything in the workload. */
export function totalBytes({ counts }: Workload): number {
  return counts.databaseBytes + counts.noteBytes + counts.checkpointBytes + counts.logBytes;
}

/** Compares what lies on disk with the record, and the record with what was asked for. */
export function checkWorkload(workload: Workload): void {
  const { root, counts, scale } = workload;
  const problems: string[] = [];
  const expect = (what: string, found: number, wanted: number, tolerance = 0): void => {
    if (Math.abs(found - wanted) > wanted * tolerance) problems.push(`${what}: ${found}, expected ${wanted}`);
  };
  const memory = measureFolder(join(root, "memory"));
  const checkpoints = measureFolder(join(root, "checkpoints"));
  const logs = measureFolder(join(root, "logs"));
  const tables = countRows(join(root, "data", "agent.db"));
  expect("notes", memory.files, counts.notes);
  expect("bytes of notes", memory.bytes, counts.noteBytes);
  expect("checkpoints", checkpoints.files, counts.checkpoints);
  expect("bytes of checkpoints", checkpoints.bytes, counts.checkpointBytes);
  expect("bytes of logs", logs.bytes, counts.logBytes);
  expect("bytes of the database", statSync(join(root, "data", "agent.db")).size, counts.databaseBytes);
  for (const table of ["messages", "embeddings", "audit"] as const) expect(`rows of ${table}`, tables[table], counts.tables[table]);
  // An activity step's own bytes weigh more in a small workload.
  const slack = 0.01 + (0.005 * workload.steps) / scale;
  expect("bytes of the database as asked for", counts.databaseBytes, FULL.databaseBytes * scale, slack);
  expect("bytes of logs as asked for", counts.logBytes, FULL.logBytes * scale, slack);
  if (problems.length > 0) throw new Error(`The workload in ${root} is not what its record says (remove it): ${problems.join("; ")}`);
}

function measureFolder(folder: string): { files: number; bytes: number } {
  const sum = { files: 0, bytes: 0 };
  for (const item of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, item.name);
    if (item.isDirectory()) {
      const below = measureFolder(path);
      sum.files += below.files;
      sum.bytes += below.bytes;
    } else {
      sum.files += 1;
      sum.bytes += statSync(path).size;
    }
  }
  return sum;
}
