import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { damageOf, EPOCH_KEY, KEYS, plantPack } from "../../../test/support/sample-pack.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { packKey } from "../keys/derive.ts";
import { encodeDirectory, type Frame } from "./directory.ts";
import { sealFrame, sealPart } from "./frame.ts";
import { makeHeader } from "./header.ts";
import { packIdOf } from "./locator.ts";
import type { PackPlace } from "./pack-place.ts";
import { openPack } from "./pack-reader.ts";
import { DIRECTORY_ORDINAL, type Seal } from "./seal.ts";
import { makeTrailer } from "./trailer.ts";

/** A pack put together by hand, by somebody who has the key. */
function forge(
  frames: readonly Buffer[],
  directory: (frames: readonly Frame[]) => Uint8Array,
  tail?: Buffer,
): { id: PackPlace["id"]; bytes: Buffer } {
  const header = makeHeader("HOLDFPK", EPOCH_KEY.epoch, randomBytes(32));
  const seal: Seal = { key: packKey(EPOCH_KEY.master, header.salt), header: header.bytes, subject: "forged", code: "BACKUP_DAMAGED" };
  const sealed = frames.map((raw, ordinal) => sealFrame(seal, ordinal, raw));
  const list = sealed.map((bytes, index): Frame => ({ offset: 0, stored: bytes.length, raw: frames[index]?.length ?? 0, kind: "data" }));
  const last = sealPart(seal, DIRECTORY_ORDINAL, directory(list), 2 ** 24);
  return { id: packIdOf(header.salt), bytes: Buffer.concat([header.bytes, ...sealed, last, tail ?? makeTrailer(last.length)]) };
}

describe("decodeDirectory() by openPack()", () => {
  it.each<[string, (frames: readonly Frame[]) => Uint8Array]>([
    ["counts more frames than it lists", () => Buffer.from([0xff, 0xff, 0xff, 0x7f])],
    ["lists one frame too few", (frames) => encodeDirectory(frames.slice(1))],
    ["lists one frame too many", (frames) => encodeDirectory([...frames, ...frames.slice(1)])],
    ["makes a frame longer than the file", (frames) => encodeDirectory([{ ...frames[0]!, stored: 1_000_000 }, frames[1]!])],
    ["makes a frame empty", (frames) => encodeDirectory([{ ...frames[0]!, raw: 0 }, frames[1]!])],
    ["makes a frame hold 2^53 - 1 bytes", (frames) => encodeDirectory([{ ...frames[0]!, raw: Number.MAX_SAFE_INTEGER }, frames[1]!])],
    ["makes a frame shorter than its seal", (frames) => encodeDirectory([{ ...frames[0]!, stored: 17 }, frames[1]!])],
    ["shifts the border of two frames", (frames) => encodeDirectory([{ ...frames[0]!, stored: frames[0]!.stored - 1 }, frames[1]!])],
    ["has a byte left over", (frames) => Buffer.concat([encodeDirectory(frames), Buffer.of(0)])],
    ["has a kind that is not known", (frames) => encodeDirectory(frames).map((byte, index, all) => (index === all.length - 1 ? 3 : byte))],
    ["has the kind 0", (frames) => encodeDirectory(frames).map((byte, index, all) => (index === all.length - 1 ? 0 : byte))],
    ["is nothing", () => Buffer.of(0x80)],
    ["is larger than any", () => Buffer.alloc(5 * 1024 * 1024)],
  ])("refuses an authentic directory that %s", (_, directory) => {
    using folder = temporaryFolder();
    const { id, bytes } = forge([randomBytes(40), randomBytes(40)], directory);
    expect(damageOf(() => openPack(folder.path, plantPack(folder.path, bytes, { id }), KEYS))).toMatchObject({ code: "BACKUP_DAMAGED" });
  });

  it("takes the same directory when nothing is wrong with it, which shows that the refusals above are its own", () => {
    using folder = temporaryFolder();
    const frames = [randomBytes(40), randomBytes(40)];
    const { id, bytes } = forge(frames, encodeDirectory);
    using reader = openPack(folder.path, plantPack(folder.path, bytes, { id }), KEYS);
    expect(Array.from(reader.sealedFrames(), (frame) => reader.open(frame))).toEqual(frames);
  });

  it.each([0, 17, 0xffff_ffff, 1000])("refuses a trailer that gives the directory %d bytes", (length) => {
    using folder = temporaryFolder();
    const { id, bytes } = forge([randomBytes(40)], encodeDirectory, makeTrailer(length));
    expect(damageOf(() => openPack(folder.path, plantPack(folder.path, bytes, { id }), KEYS))?.message).toContain(
      "its directory cannot have",
    );
  });
});
