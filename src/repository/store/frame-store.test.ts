import { describe, expect, it } from "vitest";
import { EPOCH_KEY } from "../../../test/support/sample-pack.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { freeBuffer } from "../../kernel/index.ts";
import { ThreadSink } from "./content-sink.ts";
import { FrameStore } from "./frame-store.ts";

describe("FrameStore", () => {
  it("refuses to store what was given back, and stores nothing for it", () => {
    using folder = temporaryFolder();
    const frames = new FrameStore({ folder: folder.path, epochKey: EPOCH_KEY, prefix: "test" });
    const bytes = Buffer.alloc(1024 * 1024, 1);
    const part = bytes.subarray(0, 1000);
    freeBuffer(bytes);
    expect(() => frames.add(part)).toThrow("Nothing cannot be stored");
    expect(() => frames.put(part)).toThrow("Nothing cannot be stored");
    expect(() => new ThreadSink(frames).add(part)).toThrow("Nothing cannot be stored");
    expect(frames.finish()).toEqual([]);
  });
});
