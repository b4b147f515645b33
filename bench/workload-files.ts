import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createProse, type Prose } from "./prose.ts";
import { createRandom, type Random } from "./random.ts";

const EPOCH = Date.UTC(2026, 0, 1);

/** Where note number `index` lies: thirty agents, a folder for every hundred notes of one. */
export function notePath(folder: string, index: number): string {
  const agent = `agent-${String(index % 30).padStart(2, "0")}`;
  return join(folder, agent, `shelf-${String(Math.floor(index / 3000)).padStart(3, "0")}`, `note-${String(index).padStart(6, "0")}.md`);
}

/** 0.5 to 6.5 KB each. Returns the bytes written. */
export function makeNotes(folder: string, seed: number, count: number): number {
  const random = createRandom(seed, "notes");
  const prose = createProse(seed, random);
  const made = new Set<string>();
  let bytes = 0;
  for (let index = 0; index < count; index += 1) {
    const path = notePath(folder, index);
    const parent = join(path, "..");
    if (!made.has(parent)) {
      mkdirSync(parent, { recursive: true });
      made.add(parent);
    }
    const length = random.between(500, 6500);
    writeFileSync(path, prose.note(length));
    bytes += length;
  }
  return bytes;
}

export function checkpointPath(folder: string, index: number): string {
  return join(folder, `checkpoint-${String(index).padStart(6, "0")}.json`);
}

/** JSON documents of 20 to 90 KB. Returns the bytes written. */
export function makeCheckpoints(folder: string, seed: number, first: number, count: number): number {
  mkdirSync(folder, { recursive: true });
  let bytes = 0;
  for (let index = first; index < first + count; index += 1) {
    const random = createRandom(seed, `checkpoint ${index}`);
    const text = checkpoint(index, random, createProse(seed, random));
    writeFileSync(checkpointPath(folder, index), text);
    bytes += Buffer.byteLength(text);
  }
  return bytes;
}

function checkpoint(index: number, random: Random, prose: Prose): string {
  const hex = (): string => random.bits().toString(16).padStart(8, "0");
  const tasks = Array.from({ length: random.between(30, 140) }, (_, position) => ({
    id: `${hex()}-${hex()}`,
    position,
    owner: `agent-${random.below(30)}`,
    state: random.pick(["waiting", "running", "blocked", "done"]),
    score: random.bits() / 4_294_967_296,
    goal: prose.paragraph(random.between(80, 500)),
    history: Array.from({ length: random.between(1, 4) }, () => ({ at: EPOCH + random.below(1e9), note: prose.sentence() })),
  }));
  return `${JSON.stringify({ version: 2, checkpoint: index, at: new Date(EPOCH + index * 60_000).toISOString(), tasks }, null, 1)}\n`;
}

export function logPath(folder: string, index: number): string {
  return join(folder, `orchestrator-${String(index).padStart(2, "0")}.log`);
}

/** Twelve files that hold `bytes` together, to within a line each. Returns the bytes written. */
export function makeLogs(folder: string, seed: number, bytes: number): number {
  mkdirSync(folder, { recursive: true });
  let written = 0;
  for (let index = 0; index < LOG_FILES; index += 1) {
    written += writeLog(logPath(folder, index), seed, `log ${index}`, Math.floor(bytes / LOG_FILES));
  }
  return written;
}
export const LOG_FILES = 12;

/** Appends whole lines until `bytes` are reached; in pieces of about a megabyte, never the whole file in memory. */
export function writeLog(path: string, seed: number, label: string, bytes: number): number {
  const random = createRandom(seed, label);
  const prose = createProse(seed, random);
  const descriptor = openSync(path, "a");
  try {
    let time = EPOCH;
    let total = 0;
    while (total < bytes) {
      let piece = "";
      while (piece.length < 1 << 20 && total + piece.length < bytes) {
        time += random.below(900);
        piece += logLine(time, random, prose);
      }
      writeSync(descriptor, piece);
      total += piece.length;
    }
    return total;
  } finally {
    closeSync(descriptor);
  }
}

const LEVELS = ["INFO ", "INFO ", "INFO ", "INFO ", "DEBUG", "DEBUG", "WARN ", "ERROR"] as const;

function logLine(time: number, random: Random, prose: Prose): string {
  const id = random.bits().toString(16).padStart(8, "0");
  const head = `${new Date(time).toISOString()} ${random.pick(LEVELS)} [agent-${random.below(30)}]`;
  switch (random.below(5)) {
    case 0:
      return `${head} task ${id} finished in ${random.below(90_000)} ms, ${random.below(9000)} tokens, cost ${(random.below(90_000) / 1e5).toFixed(5)}\n`;
    case 1:
      return `${head} GET /api/v1/tasks/${id} 200 ${random.below(400)}ms ${random.below(40_000)}b\n`;
    case 2:
      return `${head} lease "${prose.word()}" granted to pid ${random.below(60_000)}, generation ${random.below(100_000)}\n`;
    default:
      return `${head} ${prose.sentence()} trace=${id}\n`;
  }
}
