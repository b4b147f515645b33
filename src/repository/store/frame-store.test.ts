import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { packPath } from "../pack/pack-place.ts";
import { FRAME_BYTES, FrameStore } from "./frame-store.ts";

const EPOCH = { epoch: 1, master: Buffer.alloc(32, 7) };

/** Text of some words, which levels of zstd differ in. */
function text(): Buffer {
  const words = Array.from({ length: 2000 }, (_, number) => ((number * 7919 + 12_345) ** 2).toString(36));
  let [said, seed] = ["", 1];
  while (said.length < FRAME_BYTES / 2 - 100) said += `${words[(seed = (seed * 48_271) % 2_147_483_647) % words.length]} `;
  return Buffer.from(said);
}

describe("FrameStore", () => {
  it("compresses a frame at the level that its first piece asks for, and the next one as usual", () => {
    using folder = temporaryFolder();
    const lengthOf = (...levels: readonly (number | undefined)[]): number => {
      const store = new FrameStore({ folder: folder.path, epochKey: EPOCH, prefix: "test" });
      for (const level of levels) store.add(text(), level);
      const [pack] = store.finish();
      return readFileSync(packPath(folder.path, pack?.name ?? "")).length;
    };
    const [usual, least] = [lengthOf(undefined), lengthOf(1)];
    expect(least).toBeGreaterThan(usual * 1.02);
    expect(lengthOf(undefined, 1)).toBeLessThan(lengthOf(1, undefined));
    // Three do not fit into one frame.
    expect(lengthOf(undefined, undefined, 1)).toBeGreaterThan(lengthOf(undefined, undefined, undefined));
  });
});
