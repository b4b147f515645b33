import {
  chmodSync,
  closeSync,
  copyFileSync,
  createReadStream,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { crashpoint, errnoOf, HeldFolder, lstatAt, writeFully } from "../../kernel/index.ts";
import type { JournaledMove } from "./journal.ts";
import { placesBeside } from "./kept-names.ts";
import { printOf } from "./set-print.ts";

/** How far a move has come, by what lies where. `between`: what was there is away, what comes is not there yet. */
export type MoveState = "before" | "between" | "after";

export interface MoveSight {
  readonly state: MoveState;
  /** Somebody wrote in its live place since the journal was written. */
  readonly touched: boolean;
}

const there = (path: string | null): boolean => path !== null && lstatAt(path) !== undefined;

export async function lookAtMove(move: JournaledMove): Promise<MoveSight> {
  return move.how === "content" ? await lookAtContent(move) : lookAtRename(move);
}

function lookAtRename(move: JournaledMove): MoveSight {
  const state = stateOf(move);
  const expected = state === "before" ? move.goingPrint : state === "after" ? move.comingPrint : null;
  return { state, touched: printOf(move.live) !== expected };
}

function stateOf({ going, coming }: JournaledMove): MoveState {
  if (going === null) return there(coming) ? "before" : "after";
  if (!there(going)) return "before";
  return there(coming) ? "between" : "after";
}

/** A file that is written over in place: which bytes it has tells. What is neither is ours half-way, or somebody else's. */
async function lookAtContent({ live, going, coming }: JournaledMove): Promise<MoveSight> {
  const now = await contentOf(live);
  if (coming !== null && now === (await contentOf(coming))) return { state: "after", touched: false };
  if (going !== null && now === (await contentOf(going))) return { state: "before", touched: false };
  return { state: "between", touched: false };
}

async function contentOf(path: string): Promise<string | null> {
  if (!there(path)) return null;
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Does what is left of a move. Something that nobody expected in its way is kept, never overwritten. */
export async function moveForward(move: JournaledMove, id: string): Promise<void> {
  if (move.how === "content") {
    if (move.coming !== null) writeOver(move.live, move.coming, move, id, (await lookAtContent(move)).state);
    return;
  }
  const state = stateOf(move);
  if (state === "after") return;
  if (state === "before" && move.going !== null) rename(move.live, move.going);
  else keepStray(move, id);
  crashpoint("in-place-moved-away");
  if (move.coming !== null) rename(move.coming, move.live);
  crashpoint("in-place-moved-in");
}

/** Undoes what was done of a move. */
export async function moveBack(move: JournaledMove, id: string): Promise<void> {
  if (move.how === "content") {
    if (move.going !== null) writeOver(move.live, move.going, move, id, (await lookAtContent(move)).state);
    return;
  }
  const state = stateOf(move);
  if (state === "before") return;
  if (state === "after" && move.coming !== null && there(move.live)) rename(move.live, move.coming);
  else keepStray(move, id);
  crashpoint("in-place-moved-out");
  if (move.going !== null) rename(move.going, move.live);
  crashpoint("in-place-moved-back");
}

function keepStray({ live, component, coming, going }: JournaledMove, id: string): void {
  if (!there(live)) return;
  const beside = besideOf(coming ?? going ?? live);
  rename(live, freeName(join(placesBeside(beside, id).stray, component, basename(live))));
}

/** The folder in which the staged and old sets of a move lie, from one of their paths. */
function besideOf(path: string): string {
  for (let at = path; at !== dirname(at); at = dirname(at)) if (basename(at).startsWith(".holdfast-")) return dirname(at);
  return dirname(path);
}

function freeName(path: string): string {
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? path : `${path}.${count}`;
    if (!there(name)) return name;
  }
}

/** A rename whose both ends are reached without following a link; a folder that its owner may not write to is let through. */
function rename(from: string, to: string): void {
  using source = HeldFolder.open(dirname(from));
  using target = HeldFolder.open(dirname(to), madeWith(to));
  const [here, there_] = [source.at(basename(from)), target.at(basename(to))];
  try {
    renameSync(here, there_);
  } catch (error) {
    const stats = lstatAt(here);
    if (errnoOf(error) !== "EACCES" || stats?.isDirectory() !== true) throw error;
    // Moving a folder rewrites its "..": that takes the right to write to it.
    chmodSync(here, Number(stats.mode & 0o7777n) | 0o200);
    renameSync(here, there_);
    chmodSync(there_, Number(stats.mode & 0o7777n));
  }
}

/** Sets are nobody else's to see; folders that lead to a live place are made as the runtime would have made them. */
function madeWith(path: string): number {
  return path.includes("/.holdfast-") ? 0o700 : 0o777;
}

function writeOver(live: string, from: string, { component, coming, going }: JournaledMove, id: string, state: MoveState): void {
  if (state === "between") {
    // Half of ours, or the runtime's: either way nobody but a person can say that it is not wanted.
    const stray = freeName(join(placesBeside(besideOf(coming ?? going ?? live), id).stray, component, basename(live)));
    mkdirSync(dirname(stray), { recursive: true, mode: 0o700 });
    copyFileSync(live, stray);
  }
  const source = openSync(from, "r");
  const target = openSync(live, "r+");
  try {
    copyContent(source, target);
    fsyncSync(target);
  } finally {
    closeSync(target);
    closeSync(source);
  }
}

function copyContent(source: number, target: number): void {
  const piece = Buffer.alloc(1024 * 1024);
  let position = 0;
  for (;;) {
    const length = readSync(source, piece, 0, piece.length, position);
    if (length === 0) break;
    writeFully(target, piece.subarray(0, length), position);
    if (position === 0) crashpoint("in-place-content-begun");
    position += length;
  }
  ftruncateSync(target, position);
}
