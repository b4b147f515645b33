import { createHash } from "node:crypto";
import { appendFileSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder, type TemporaryFolder } from "../test/support/temporary-folder.ts";
import { ACTIVITY } from "./activity.ts";
import { advance, checkWorkload, FULL, openWorkload, type Workload } from "./workload.ts";
import { notePath } from "./workload-files.ts";

const SCALE = 0.02;
const said: string[] = [];
const make = (folder: string, seed = 7): Workload => openWorkload(folder, seed, SCALE, (line) => said.push(line));

function digest(root: string): string {
  const hash = createHash("sha256");
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((item) => item.isFile());
  expect(files.length).toBeGreaterThan(600);
  for (const path of files.map((item) => join(item.parentPath, item.name)).toSorted()) {
    hash.update(path.slice(root.length)).update(readFileSync(path));
  }
  return hash.digest("hex");
}

function embeddings({ root }: Workload): Buffer {
  const database = new DatabaseSync(join(root, "data", "agent.db"), { readOnly: true });
  try {
    return Buffer.concat(
      database
        .prepare("SELECT vector FROM embeddings")
        .all()
        .map(({ vector }) => vector as Uint8Array),
    );
  } finally {
    database.close();
  }
}

let folder: TemporaryFolder;
let workload: Workload;
beforeAll(() => {
  folder = temporaryFolder();
  workload = make(folder.path);
});
afterAll(() => folder[Symbol.dispose]());

describe("openWorkload()", () => {
  it("makes the same bytes from the same seed, and others from another", () => {
    using elsewhere = temporaryFolder();
    expect(digest(make(elsewhere.path).root)).toBe(digest(workload.root));
    expect(digest(make(elsewhere.path, 8).root)).not.toBe(digest(workload.root));
  });

  it("takes what it made before", () => {
    said.length = 0;
    expect(make(folder.path)).toEqual(workload);
    expect(said.join()).toMatch(/found in .* and checked/);
  });

  it("has the sizes and counts that the scale asks for, with one step of activity", () => {
    expect(workload).toMatchObject({ steps: 1, scale: SCALE });
    expect(workload.counts.notes).toBe(FULL.notes * SCALE);
    expect(workload.counts.checkpoints).toBe(FULL.checkpoints * SCALE + ACTIVITY.checkpoints);
    expect(Math.abs(workload.counts.logBytes - FULL.logBytes * SCALE - ACTIVITY.logBytes)).toBeLessThan(10_000);
    expect(workload.counts.databaseBytes).toBeGreaterThan(FULL.databaseBytes * SCALE);
  });

  it("writes notes that compress three to four times and embeddings that barely do", () => {
    const notes = Array.from({ length: 200 }, (_, index) => readFileSync(notePath(join(workload.root, "memory"), index)));
    const text = Buffer.concat(notes);
    expect(text.length / gzipSync(text).length).toBeGreaterThan(2.8);
    expect(text.length / gzipSync(text).length).toBeLessThan(4);
    for (const note of notes) expect(note.length).toBeGreaterThanOrEqual(500);
    const vectors = embeddings(workload);
    expect(vectors.length).toBeGreaterThan(1e6);
    expect(vectors.length / gzipSync(vectors).length).toBeLessThan(1.6);
  });

  it("has a database of which two fifths are messages and nearly half embeddings, mixed all over it", () => {
    const database = readFileSync(join(workload.root, "data", "agent.db"));
    const share = embeddings(workload).length / database.length;
    expect(share).toBeGreaterThan(0.28);
    expect(share).toBeLessThan(0.4);
    const tenth = Math.floor(database.length / 10);
    const ratios = Array.from({ length: 10 }, (_, part) => tenth / gzipSync(database.subarray(part * tenth, (part + 1) * tenth)).length);
    expect(Math.max(...ratios) / Math.min(...ratios)).toBeLessThan(1.5);
  });
});

describe("advance()", () => {
  it("adds rows, notes, checkpoints and log, and records what it added", () => {
    using elsewhere = temporaryFolder();
    const first = make(elsewhere.path);
    const second = advance(first);
    checkWorkload(second);
    expect(second.steps).toBe(2);
    expect(second.counts.tables.messages).toBe(first.counts.tables.messages + 500);
    expect(second.counts.tables.audit).toBe(first.counts.tables.audit + 500);
    expect(second.counts.noteBytes).toBeGreaterThan(first.counts.noteBytes);
    expect(make(elsewhere.path)).toEqual(second);
  });
});

describe("checkWorkload()", () => {
  it("names what differs from the record", () => {
    using elsewhere = temporaryFolder();
    const made = make(elsewhere.path);
    appendFileSync(notePath(join(made.root, "memory"), 3), "one more line\n");
    rmSync(join(made.root, "checkpoints", "checkpoint-000001.json"));
    expect(() => checkWorkload(made)).toThrow(/bytes of notes: .*; checkpoints: 24, expected 25/);
  });
});
