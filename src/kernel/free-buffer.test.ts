import { describe, expect, it } from "vitest";
import { freeBuffer } from "./free-buffer.ts";

const MIB = 1024 * 1024;

describe("freeBuffer()", () => {
  it("gives back the memory of a large buffer at once, and of every part of it", () => {
    const before = process.memoryUsage().arrayBuffers;
    const buffer = Buffer.alloc(64 * MIB, 1);
    const part = buffer.subarray(10, 20);
    expect(process.memoryUsage().arrayBuffers - before).toBeGreaterThan(60 * MIB);
    freeBuffer(part);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * MIB);
    expect([buffer.length, part.length]).toEqual([0, 0]);
    expect(() => buffer.readUInt8(0)).toThrow(/outside buffer bounds/);
  });

  it("leaves what lies in memory that others have a part of", () => {
    const pooled = Buffer.from("one of many");
    const small = Buffer.allocUnsafeSlow(1000).fill(1);
    const shared = Buffer.from(new SharedArrayBuffer(MIB)).fill(1);
    for (const buffer of [pooled, small, shared]) freeBuffer(buffer);
    expect([pooled.toString(), small[999], shared[MIB - 1]]).toEqual(["one of many", 1, 1]);
  });

  it("may be called again, and of nothing", () => {
    const buffer = Buffer.alloc(MIB);
    freeBuffer(buffer);
    freeBuffer(buffer);
    freeBuffer(Buffer.alloc(0));
    expect(buffer.length).toBe(0);
  });
});
