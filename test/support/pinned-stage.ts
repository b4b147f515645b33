import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { HoldfastError, identityOf } from "../../src/kernel/index.ts";
import { openReading } from "../../src/sources/index.ts";
import { PIN_BOUNDS } from "../../src/sources/sqlite/pin-bounds.ts";
import { pinDatabase } from "../../src/sources/sqlite/pin-database.ts";
import { scanWal } from "../../src/sources/sqlite/scan-wal.ts";
import { snapshotSpans } from "../../src/sources/sqlite/snapshot-spans.ts";
import { readContent, type Content, type Reading } from "../../src/vault/index.ts";
import { killPins } from "./kill-pins.ts";
import { lineProgram, type LineProgram } from "./line-program.ts";
import { checkPinned } from "./pinned-state.ts";
import { seededRandom } from "./seeded-random.ts";
import { testPlace, type TestPlace } from "./source-place.ts";

export interface PinnedStageOptions {
  readonly seed: number;
  /** Bytes. */
  readonly pageSize: number;
  readonly autoVacuum: "NONE" | "FULL" | "INCREMENTAL";
  readonly autoCheckpoint: number;
  readonly blobBytes: number;
  readonly writers: number;
  readonly checkpoints: boolean;
}

/** What became of the snapshots that were taken. */
export interface PinnedCounts {
  snapshots: number;
  /** Read in place and confirmed; of these, so many needed nothing of the log. */
  pinned: number;
  withoutLog: number;
  /** Thrown away and taken again. */
  again: number;
  /** Copied in the end. */
  staged: number;
  checked: number;
  killed: number;
  /** Processes that were ended while they held a snapshot. */
  lostPins: number;
  readonly reasons: Record<string, number>;
}

export function noCounts(): PinnedCounts {
  return { snapshots: 0, pinned: 0, withoutLog: 0, again: 0, staged: 0, checked: 0, killed: 0, lostPins: 0, reasons: {} };
}

/** As often as a backup reads a database in place before it copies it. */
const PINS = 3;

/** One database with processes that write to it and checkpoint it, and snapshots taken of it meanwhile. */
export class PinnedStage implements AsyncDisposable {
  readonly #options: PinnedStageOptions;
  readonly #place: TestPlace = testPlace();
  readonly #random: () => number;
  readonly #counts: PinnedCounts;
  #writers: LineProgram[] = [];
  #checkpoints: LineProgram | undefined;
  #seed: number;
  #last = 0;

  private constructor(options: PinnedStageOptions, counts: PinnedCounts) {
    this.#options = options;
    this.#counts = counts;
    this.#seed = options.seed;
    this.#random = seededRandom(options.seed);
  }

  static async begin(options: PinnedStageOptions, counts: PinnedCounts): Promise<PinnedStage> {
    const stage = new PinnedStage(options, counts);
    await stage.#start();
    if (options.checkpoints)
      stage.#checkpoints = lineProgram(new URL("./checkpoint-child.ts", import.meta.url), [stage.path, options.seed]);
    return stage;
  }

  get path(): string {
    return join(this.#place.state, "live.db");
  }

  async #start(): Promise<void> {
    const { pageSize, autoVacuum, autoCheckpoint, blobBytes, writers } = this.#options;
    while (this.#writers.length < writers) {
      this.#seed += 1;
      const writer = lineProgram(new URL("./pinned-writer-child.ts", import.meta.url), [
        this.path,
        this.#seed,
        pageSize,
        autoVacuum,
        autoCheckpoint,
        blobBytes,
      ]);
      await writer.more(1);
      this.#writers.push(writer);
    }
  }

  /** Waits until a writer has committed once more, which it does every few milliseconds. */
  async writersCommit(times: number): Promise<void> {
    await this.#writers[0]?.more(times);
  }

  /** Takes one whole committed state, in whatever way it can be had, and checks that it is one. */
  async snapshot(thorough: boolean): Promise<void> {
    const before = Math.max(...this.#writers.map((writer) => Number(writer.last())));
    for (let again = 0; ; again += 1) {
      const reading = await openReading(this.#place.request({ path: this.path, read: again < PINS ? "pinned" : "staged", now: 0 }));
      let copy: string;
      try {
        copy = await this.#store(reading);
      } catch (error) {
        if (!(error instanceof HoldfastError) || error.code !== "COMPONENT_MOVED" || reading.report().sqlite?.read !== "pinned")
          throw error;
        this.#counts.again += 1;
        const reason = error.message.replace(/.*: /, "");
        this.#counts.reasons[reason] = (this.#counts.reasons[reason] ?? 0) + 1;
        if (error.details?.["pin"] === "expired") again = PINS - 1;
        continue;
      } finally {
        await reading.close();
      }
      const how = reading.report().sqlite;
      if (how?.read === "pinned") this.#counts.pinned += 1;
      else this.#counts.staged += 1;
      if (how?.quick_check !== "ok") throw new Error(`quick_check says ${String(how?.quick_check)}`);
      const number = checkPinned(copy, thorough);
      if (thorough) this.#counts.checked += 1;
      rmSync(copy);
      this.#counts.snapshots += 1;
      if (number < before || number < this.#last)
        throw new Error(`Transaction ${before} was committed, and the snapshot ends with ${number}`);
      this.#last = number;
      return;
    }
  }

  /**
   * What would be read without knowing what the transaction sees: the newest commit of the log, whether its pages are in the
   * file or not, and without a look at the log afterwards. The transaction is held all the same.
   *
   * @returns what is wrong with it, or undefined
   */
  async careless(): Promise<string | undefined> {
    const target = join(this.#place.folder, "copy.db");
    const pinned = await pinDatabase({ path: this.path, busyTimeout: 30_000, modes: ["wal"], bounds: PIN_BOUNDS, signal: undefined });
    if (pinned === undefined) throw new Error("It could not be pinned");
    try {
      const log = await scanWal(`${this.path}-wal`, Infinity, undefined);
      if (log === undefined || log.frames === 0) return undefined;
      const { stats } = pinned;
      const spans = snapshotSpans({
        pageSize: log.pageSize,
        pages: log.pages,
        file: { path: this.path, identity: identityOf(stats), size: Number(pinned.file.size) },
        log: { path: `${this.path}-wal`, identity: log.identity, pageOf: log.pageOf },
      });
      await this.#write({ kind: "staged", spans, movable: false }, target);
      checkPinned(target, true);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      pinned.watch[Symbol.dispose]();
      await pinned.snapshot.end();
    }
  }

  /** Reads like a vault, with more commits and checkpoints in between than any vault leaves time for. */
  async #store(reading: Reading): Promise<string> {
    const target = join(this.#place.folder, "copy.db");
    for await (const { content } of reading.entries()) {
      if (content.kind !== "staged") throw new Error(`The content is ${content.kind}`);
      if (!content.movable && content.spans.every((span) => span.kind === "zeros" || !span.path.endsWith("-wal")))
        this.#counts.withoutLog += 1;
      await this.#write(content, target);
    }
    await reading.confirm();
    return target;
  }

  async #write(content: Extract<Content, { kind: "staged" }>, target: string): Promise<void> {
    const into = openSync(target, "w");
    try {
      const { pageSize } = this.#options;
      const pieces = content.spans.length + content.spans.reduce((sum, { length }) => sum + length, 0) / (4 * pageSize);
      const stops = new Set(Array.from({ length: Math.floor(this.#random() * 3) }, () => Math.floor(this.#random() * pieces)));
      let piece = 0;
      for (const step of readContent(content, Buffer.alloc(4 * pageSize))) {
        if (step.step !== "bytes") continue;
        writeSync(into, step.bytes);
        if (stops.has(piece)) await this.#meanwhile();
        piece += 1;
      }
    } finally {
      closeSync(into);
    }
  }

  async #meanwhile(): Promise<void> {
    if (this.#random() < 0.05) await this.#killWriters();
    // Then the database is free to change under what is being read.
    if (this.#random() < 0.02) this.#counts.lostPins += killPins().length;
    await this.writersCommit(1 + Math.floor(this.#random() * 15));
    if (this.#random() < 0.5) await this.#checkpoints?.more(1 + Math.floor(this.#random() * 2));
  }

  async #killWriters(): Promise<void> {
    for (const writer of this.#writers.splice(0)) {
      await writer.kill();
      this.#counts.killed += 1;
    }
    await this.#start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#checkpoints?.kill();
      for (const writer of this.#writers) await writer.kill();
    } finally {
      this.#place[Symbol.dispose]();
    }
  }
}
