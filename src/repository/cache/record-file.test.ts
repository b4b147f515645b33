import { randomBytes } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { RecordReader, RecordWriter, type RecordFile } from "./record-file.ts";
import type { SideFile } from "./side-file.ts";

const KEY = randomBytes(32);
const BLOCK = 256 * 1024;

function sideFile(path: string): SideFile {
  closeSync(openSync(path, "w", 0o600));
  return { path, key: KEY, name: "one" };
}

function written(path: string, records: readonly Uint8Array[]): { readonly file: RecordFile; readonly positions: readonly number[] } {
  const writer = new RecordWriter(() => sideFile(path));
  const positions = records.map((record) => writer.append(record));
  const file = writer.finish();
  if (file === undefined) throw new Error("They could not be written");
  return { file, positions };
}

describe("RecordWriter and RecordReader", () => {
  it("give back what was written, in whatever order and length it is asked for", () => {
    using folder = temporaryFolder();
    const lengths = fc.array(fc.oneof(fc.nat(300), fc.constantFrom(0, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK)), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(lengths, fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 5 }), (sizes, parts) => {
        const records = sizes.map((size) => randomBytes(size));
        const { file, positions } = written(folder.join("a"), records);
        const whole = Buffer.concat(records);
        expect(file.length).toBe(whole.length);
        const reader = new RecordReader(file);
        for (const [index, record] of [...records.entries()].toReversed())
          expect(record.equals(reader.read(positions[index] ?? -1, record.length) ?? Buffer.from("none"))).toBe(true);
        for (const [from, length] of parts) {
          const at = from % (whole.length + 1);
          const wanted = length % (whole.length - at + 1);
          expect(whole.subarray(at, at + wanted).equals(reader.read(at, wanted) ?? Buffer.from("none"))).toBe(true);
        }
        for (const [at, length] of [
          [0, whole.length + 1],
          [whole.length, 1],
          [-1, 1],
          [0, -1],
          [NaN, 1],
        ] as const)
          expect(reader.read(at, length)).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });

  it("give nothing of a block that was changed or has another key, and of a file that was cut off or is gone", () => {
    using folder = temporaryFolder();
    const { file } = written(folder.join("a"), [randomBytes(2 * BLOCK + 100)]);
    const readable = (of: RecordFile = file): readonly boolean[] =>
      [0, 1, 2].map((block) => new RecordReader(of).read(block * BLOCK, 50) !== undefined);
    expect(readable()).toEqual([true, true, true]);
    const none = [false, false, false];
    expect(readable({ ...file, key: randomBytes(32) })).toEqual(none);
    // What a cache says of a file is not believed before memory is taken for it.
    expect(new RecordReader({ ...file, length: 2 ** 50 }).read(0, 2 ** 49)).toBeUndefined();
    const whole = readFileSync(file.path);
    const changed = Buffer.from(whole);
    changed[BLOCK + 40] = (changed[BLOCK + 40] ?? 0) ^ 1;
    writeFileSync(file.path, changed);
    expect(readable()).toEqual([true, false, true]);
    const [first, second, third] = [0, 1, 2].map((block) => whole.subarray(block * (BLOCK + 28), (block + 1) * (BLOCK + 28)));
    writeFileSync(file.path, Buffer.concat([second!, first!, third!]));
    expect(readable()).toEqual([false, false, true]);
    writeFileSync(file.path, whole);
    truncateSync(file.path, whole.length - 1);
    expect(readable()).toEqual(none);
    rmSync(file.path);
    expect(readable()).toEqual(none);
  });

  it("say when there is no file, when it went away, and when the disk is full: nothing of it is kept then", () => {
    using folder = temporaryFolder();
    const none = new RecordWriter(() => undefined);
    none.append(randomBytes(3 * BLOCK));
    expect(none.finish()).toBeUndefined();
    const path = folder.join("gone");
    const gone = new RecordWriter(() => sideFile(path));
    gone.append(randomBytes(BLOCK));
    rmSync(path);
    gone.append(randomBytes(BLOCK));
    expect(gone.finish()).toBeUndefined();
    symlinkSync("/dev/full", folder.join("full"));
    const full = new RecordWriter(() => ({ path: folder.join("full"), key: KEY, name: "full" }));
    full.append(randomBytes(10));
    expect(full.finish()).toBeUndefined();
    // On a full disk nothing of it stays in the way.
    expect(existsSync(folder.join("full"))).toBe(false);
  });

  it("make no file for what is never finished and short", () => {
    let made = 0;
    const writer = new RecordWriter(() => {
      made += 1;
      return undefined;
    });
    writer.append(randomBytes(1000));
    expect(made).toBe(0);
  });
});
