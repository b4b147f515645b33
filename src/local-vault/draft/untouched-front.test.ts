import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { UntouchedEntries } from "../../vault/index.ts";
import { from, joined, NOTHING } from "./untouched-front.ts";

function batch(...names: string[]): UntouchedEntries {
  const heads = names.map((path) => ({ path, type: "file" as const, size: 1 }));
  return {
    entries: heads,
    entry: (index) => ({
      head: { path: names[index] ?? "", type: "file", size: 1, mode: 0o600, uid: 0, gid: 0, mtime_ns: "0" },
      content: { kind: "none" },
    }),
  };
}

const pathsOf = (batched: UntouchedEntries): string[] => batched.entries.map((_, index) => batched.entry(index).head.path);

describe("the front that waits for the next batch", () => {
  it("comes before it, entry by entry", () => {
    const front = from(batch("a", "b", "c"), 1);
    expect(pathsOf(front)).toEqual(["b", "c"]);
    const all = joined(front, batch("d", "e"));
    expect(pathsOf(all)).toEqual(["b", "c", "d", "e"]);
    expect(all.entries.map(({ path }) => path)).toEqual(["b", "c", "d", "e"]);
    expect(pathsOf(from(all, 2))).toEqual(["d", "e"]);
    expect(pathsOf(joined(NOTHING, batch("f")))).toEqual(["f"]);
    expect(() => from(all, 4).entry(0)).toThrow("There is no entry 0");
  });

  it("keeps none of the batches before in memory", () => {
    // In a process of its own: other work of this one decides when V8 collects.
    const script = `
      import { from, joined, NOTHING } from ${JSON.stringify(new URL("./untouched-front.ts", import.meta.url).href)};
      const batch = () => {
        const found = Array.from({ length: 256 }, () => ({ path: "a", type: "file", size: 1, looked: new Array(100).fill(1.5) }));
        return { entries: found.map(({ path, type, size }) => ({ path, type, size })), entry: (index) => ({ head: { path: found[index].path } }) };
      };
      const run = (batches) => {
        let front = NOTHING;
        for (let number = 0; number < batches; number += 1) {
          const all = joined(front, batch());
          front = from(all, all.entries.length - 16);
        }
        globalThis.gc();
        return [process.memoryUsage().heapUsed, front.entries.length];
      };
      const [few] = run(10);
      const [many] = run(300);
      console.log(many - few);`;
    const grown = Number(execFileSync(process.execPath, ["--expose-gc", "--input-type=module", "-e", script], { encoding: "utf8" }));
    // All of them are 60 MB.
    expect(grown).toBeLessThan(10_000_000);
  });
});
