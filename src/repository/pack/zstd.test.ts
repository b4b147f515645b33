import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { compress, decompress } from "./zstd.ts";

const MIB = 1024 * 1024;

describe("compress() and decompress()", () => {
  it("give back what they were given", () => {
    const raw = Buffer.concat([randomBytes(1000), Buffer.alloc(100_000, "again and ")]);
    const packed = compress(raw);
    expect(packed.length).toBeLessThan(2000);
    expect(decompress(packed, raw.length, raw.length).equals(raw)).toBe(true);
    expect(decompress(packed, 1000, raw.length).equals(raw)).toBe(true);
  });

  it("refuse to let out more than the limit", () => {
    const packed = compress(Buffer.alloc(100_000));
    expect(() => decompress(packed, 1000, 99_999)).toThrow(/larger than 99999 bytes/);
  });

  it("refuse what lies behind the end of a frame", () => {
    const packed = compress(Buffer.alloc(1000, "again"));
    for (const more of [Buffer.from("x"), packed])
      expect(() => decompress(Buffer.concat([packed, more]), 1000, 5000)).toThrow(/behind the end|Unknown frame/);
  });

  it("make nothing besides what came out, which can be freed", () => {
    const script = `
      import { freeBuffer } from ${JSON.stringify(new URL("../../kernel/index.ts", import.meta.url).href)};
      import { compress, decompress } from ${JSON.stringify(new URL("./zstd.ts", import.meta.url).href)};
      const raw = Buffer.alloc(${MIB}, "again and ");
      const before = process.memoryUsage().arrayBuffers;
      for (let frame = 0; frame < 20; frame += 1) {
        const packed = compress(raw);
        freeBuffer(decompress(packed, ${MIB}, ${MIB}));
        freeBuffer(packed);
      }
      console.log(process.memoryUsage().arrayBuffers - before);`;
    expect(Number(execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" }))).toBeLessThan(MIB);
  });

  it("let go of what came out, so that minor collections free it", () => {
    // In a process of its own: other work of this one decides when V8 collects.
    const script = `
      import { randomBytes } from "node:crypto";
      import { compress, decompress } from ${JSON.stringify(new URL("./zstd.ts", import.meta.url).href)};
      const packed = compress(randomBytes(${MIB}));
      let most = 0;
      for (let frame = 0; frame < 300; frame += 1) {
        decompress(packed, ${MIB}, ${MIB});
        if (frame % 2 === 0) globalThis.gc({ type: "minor" });
        most = Math.max(most, process.memoryUsage().arrayBuffers);
      }
      console.log(most);`;
    const most = Number(execFileSync(process.execPath, ["--expose-gc", "--input-type=module", "-e", script], { encoding: "utf8" }));
    // Kept by their engines, they lie there until V8 collects everything, which it does at 64 MB of them.
    expect(most).toBeLessThan(32 * MIB);
  });
});
