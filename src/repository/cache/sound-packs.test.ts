import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { vaultKeys } from "../keys/epoch-key.ts";
import type { PackId } from "../pack/locator.ts";
import { packFolder, packPath, type PackPlace } from "../pack/pack-place.ts";
import type { CachePlace } from "./cache-folder.ts";
import { SoundPacks } from "./sound-packs.ts";

const HOUR = 3_600_000;
/** Ahead of the packs: what was written just now is old enough to be believed. */
const FIRST = Date.now() + HOUR;

class Stage implements Disposable {
  readonly #folder = temporaryFolder();
  readonly vault: string = this.#folder.join("vault");
  readonly packs: readonly PackPlace[];
  master: Buffer = randomBytes(32);

  constructor() {
    this.packs = ["a", "b"].map((letter) => ({ id: letter.repeat(16) as PackId, name: letter.repeat(64), length: 4 }));
    for (const { name } of this.packs) {
      mkdirSync(packFolder(this.vault, name), { recursive: true });
      writeFileSync(packPath(this.vault, name), "pack");
    }
  }

  get cache(): string {
    return this.#folder.join("cache");
  }

  /** Names of the packs that were read, by their first letter. */
  look(now: number, read: (pack: PackPlace) => void = () => {}): string {
    const openedBy = { kind: "file", id: "1", label: "test", epoch: 1 } as const;
    const keys = vaultKeys([], { newest: { epoch: 1, master: this.master }, present: 1, openedBy });
    const place: CachePlace = { folder: this.cache, vault: "v", keys };
    const sound = new SoundPacks(place, this.vault, now);
    const names: string[] = [];
    for (const pack of this.packs)
      sound.see(pack, () => {
        names.push(pack.name.slice(0, 1));
        read(pack);
      });
    sound.save();
    return names.join("");
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

describe("SoundPacks", () => {
  it("reads what was not read within a day, and once", () => {
    using stage = new Stage();
    expect(stage.look(FIRST)).toBe("ab");
    expect(stage.look(FIRST + HOUR)).toBe("");
    expect(stage.look(FIRST + 24 * HOUR - 1)).toBe("");
    expect(stage.look(FIRST + 24 * HOUR)).toBe("ab");
    expect(stage.look(FIRST + 25 * HOUR)).toBe("");
    expect(stage.look(FIRST)).toBe("ab");
  });

  it.each([
    ["has other bytes", (path: string) => writeFileSync(path, "kcap")],
    ["has other bytes, and its times were set back", (path: string) => (writeFileSync(path, "kcap"), utimesSync(path, 1e9, 1e9))],
    ["is cut off", (path: string) => truncateSync(path, 1)],
    ["is gone", (path: string) => rmSync(path)],
  ])("reads a pack that %s", (_, change) => {
    using stage = new Stage();
    stage.look(FIRST);
    change(packPath(stage.vault, stage.packs[1]?.name ?? ""));
    expect(stage.look(FIRST + HOUR)).toBe("b");
  });

  it("remembers nothing that could not be read, or was written just now", () => {
    using stage = new Stage();
    expect(() =>
      stage.look(FIRST, () => {
        throw new Error("damaged");
      }),
    ).toThrow("damaged");
    expect(stage.look(FIRST)).toBe("ab");
    using other = new Stage();
    expect([other.look(Date.now()), other.look(Date.now())]).toEqual(["ab", "ab"]);
  });

  it("believes no other key, and nothing that is not as it was written", () => {
    using stage = new Stage();
    stage.look(FIRST);
    const { master } = stage;
    stage.master = randomBytes(32);
    expect(stage.look(FIRST + HOUR)).toBe("ab");
    stage.master = master;
    expect(stage.look(FIRST + HOUR)).toBe("ab");
    const [file = ""] = readdirSync(stage.cache);
    writeFileSync(join(stage.cache, file), randomBytes(100));
    expect(stage.look(FIRST + 2 * HOUR)).toBe("ab");
    rmSync(stage.cache, { recursive: true });
    writeFileSync(stage.cache, "no folder");
    expect([stage.look(FIRST + 3 * HOUR), stage.look(FIRST + 3 * HOUR)]).toEqual(["ab", "ab"]);
  });
});
