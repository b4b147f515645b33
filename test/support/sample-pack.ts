import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import { DamageError } from "../../src/kernel/index.ts";
import { vaultKeys, type EpochKey, type VaultKeys } from "../../src/repository/keys/epoch-key.ts";
import type { FrameKind } from "../../src/repository/pack/directory.ts";
import { packFolder, packPath, type PackPlace } from "../../src/repository/pack/pack-place.ts";
import { PackWriter, type FinishedPack } from "../../src/repository/pack/pack-writer.ts";

/** The second epoch of a vault that has two. */
export const EPOCH_KEY: EpochKey = { epoch: 2, master: Buffer.alloc(32, 7) };

export const KEYS: VaultKeys = vaultKeys([{ epoch: 1, master: Buffer.alloc(32, 6) }], {
  newest: EPOCH_KEY,
  present: 2,
  openedBy: { kind: "none", id: "0123456789abcdef", label: "not encrypted", epoch: 2 },
});

export interface SampleFrame {
  readonly raw: Uint8Array;
  readonly kind?: FrameKind;
}

/** Writes one pack into a vault's folder. */
export function writePack(folder: string, frames: readonly SampleFrame[], epochKey: EpochKey = EPOCH_KEY): FinishedPack {
  using writer = new PackWriter({ folder, epochKey, name: "sample" });
  for (const { raw, kind = "data" } of frames) writer.append(raw, kind);
  return writer.close();
}

/** Puts any bytes into a vault under the name that they have by their SHA-256, as somebody without a key could. */
export function plantPack(folder: string, bytes: Uint8Array, { id }: Pick<PackPlace, "id">): PackPlace {
  const name = createHash("sha256").update(bytes).digest("hex");
  mkdirSync(packFolder(folder, name), { recursive: true });
  writeFileSync(packPath(folder, name), bytes);
  return { id, name, length: bytes.length };
}

/** Text that compresses, the same for the same number. */
export function compressible(length: number, seed = 0): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => 97 + ((index * index + seed) % 7)));
}

/** What an action is refused with, which must be damage; undefined when it is not refused. */
export function damageOf(action: () => unknown): DamageError | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(DamageError);
    return error as DamageError;
  }
}
