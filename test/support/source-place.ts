import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Reading, ReadingEntry, ReadingReport } from "../../src/vault/index.ts";
import { openReading, type ReadingRequest } from "../../src/sources/index.ts";

/** A folder for one test: `state` holds what is protected, `staging` the copies. */
export interface TestPlace extends Disposable {
  readonly folder: string;
  readonly state: string;
  readonly staging: string;
  request(request?: Partial<ReadingRequest>): ReadingRequest;
}

export function testPlace(): TestPlace {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-sources-"));
  const state = join(folder, "state");
  const staging = join(folder, "staging");
  mkdirSync(state);
  mkdirSync(staging, { mode: 0o700 });
  return {
    folder,
    state,
    staging,
    request: (request = {}) => ({
      component: "memory",
      path: state,
      command: null,
      programs: { cwd: folder, env: process.env },
      staging,
      exclude: [],
      include: [],
      excludeCaches: true,
      oneFileSystem: false,
      avoid: [],
      remembered: { single: false, paths: new Set() },
      cut: false,
      now: Date.now(),
      ...request,
    }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export interface ReadBack {
  readonly entries: readonly ReadingEntry[];
  readonly paths: readonly string[];
  readonly report: ReadingReport;
  /** Contents of staged and live entries, by path. */
  readonly bytes: ReadonlyMap<string, Buffer>;
}

/** Reads a whole reading the way a vault would, and closes it. */
export async function readBack(request: ReadingRequest): Promise<ReadBack> {
  const reading = await openReading(request);
  try {
    return await drain(reading);
  } finally {
    await reading.close();
  }
}

export async function drain(reading: Reading): Promise<ReadBack> {
  const entries: ReadingEntry[] = [];
  const bytes = new Map<string, Buffer>();
  for await (const entry of reading.entries()) {
    entries.push(entry);
    const { content } = entry;
    if (content.kind === "staged") {
      const parts = content.spans.map((span) =>
        span.kind === "zeros" ? Buffer.alloc(span.length) : readFileSync(span.path).subarray(span.offset, span.offset + span.length),
      );
      bytes.set(entry.head.path, Buffer.concat(parts));
    } else if (content.kind === "live") {
      bytes.set(entry.head.path, readFileSync(content.span.path).subarray(0, content.span.length));
    } else if (content.kind === "stream") {
      const parts: Buffer[] = [];
      for await (const part of content.open()) parts.push(part as Buffer);
      bytes.set(entry.head.path, Buffer.concat(parts));
    }
  }
  await reading.confirm();
  return { entries, paths: entries.map((entry) => entry.head.path), report: reading.report(), bytes };
}
