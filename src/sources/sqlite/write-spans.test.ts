import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../test/support/seeded-random.ts";
import { testPlace } from "../../../test/support/source-place.ts";
import type { Span } from "../../vault/index.ts";
import { writeSpans } from "./write-spans.ts";

const MIB = 1024 * 1024;

function fileOf(path: string, bytes: Buffer): (offset: number, length: number) => Span {
  writeFileSync(path, bytes);
  const { dev: device, ino: inode } = statSync(path, { bigint: true });
  return (offset, length) => ({ kind: "file", path, device, inode, offset, length });
}

function noise(length: number, seed: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}

describe("writeSpans()", () => {
  it("writes spans of any length one behind the other, into a private file", () => {
    using place = testPlace();
    const [one, two] = [noise(3 * MIB + 17, 1), noise(200_000, 2)];
    const [ofOne, ofTwo] = [fileOf(join(place.state, "one"), one), fileOf(join(place.state, "two"), two)];
    const random = seededRandom(3);
    const spans: Span[] = [ofOne(5, 2 * MIB + 1), { kind: "zeros", length: MIB + 3 }, ofTwo(0, two.length), ofOne(0, one.length)];
    for (let n = 0; n < 2000; n += 1) spans.push(ofTwo(Math.floor(random() * 100_000), 1 + Math.floor(random() * 5000)));
    const wanted = Buffer.concat(
      spans.map((span) =>
        span.kind === "zeros"
          ? Buffer.alloc(span.length)
          : (span.path.endsWith("one") ? one : two).subarray(span.offset, span.offset + span.length),
      ),
    );
    const target = join(place.staging, "copy");
    expect(writeSpans(spans, target)).toBe(wanted.length);
    expect(readFileSync(target).equals(wanted)).toBe(true);
    expect(statSync(target).mode & 0o777).toBe(0o600);
  });

  it("tells that a file is shorter than its span, instead of filling it up", () => {
    using place = testPlace();
    const span = fileOf(join(place.state, "short"), noise(70_000, 4));
    const target = join(place.staging, "copy");
    expect(writeSpans([span(0, 70_000), span(69_000, 2000), span(0, 10)], target)).toBe(71_000);
    expect(statSync(target).size).toBe(71_000);
  });

  it("opens no other file than the one that a span names", () => {
    using place = testPlace();
    const path = join(place.state, "replaced");
    const span = fileOf(path, noise(100, 5))(0, 100);
    const other = { ...span, inode: 1n } as Span;
    const target = join(place.staging, "copy");
    expect(() => writeSpans([other], target)).toThrow(expect.objectContaining({ code: "COMPONENT_MOVED" }));
    expect(existsSync(path)).toBe(true);
  });
});
