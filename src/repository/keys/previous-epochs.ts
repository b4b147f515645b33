import { KEY_LENGTH, openText, previousKey, SEAL_LENGTH, sealText } from "./derive.ts";
import type { EpochKey } from "./epoch-key.ts";
import type { SlotPlace } from "./slot.ts";

/** A vault whose key is rotated every day reaches this after 27 years. */
export const MOST_EPOCHS = 10_000;
const ITEM_LENGTH: number = 4 + KEY_LENGTH;

/** Bytes of `previous` in the document of an epoch. */
export function previousLength(epoch: number): number {
  return SEAL_LENGTH + (epoch - 1) * ITEM_LENGTH;
}

/** @param earlier Every epoch before, in order */
export function sealPrevious(earlier: readonly EpochKey[], newest: EpochKey, vault: string): Buffer {
  const text = Buffer.alloc(earlier.length * ITEM_LENGTH);
  for (const [index, { epoch, master }] of earlier.entries()) {
    text.writeUInt32LE(epoch, index * ITEM_LENGTH);
    text.set(master, index * ITEM_LENGTH + 4);
  }
  return sealText(previousKey(newest.master), text, associated({ vault, epoch: newest.epoch }));
}

/** @returns the earlier epochs in order; undefined when the master key is another, or what it sealed is not what we seal */
export function openPrevious(previous: Uint8Array, newest: EpochKey, vault: string): readonly EpochKey[] | undefined {
  const text = openText(previousKey(newest.master), previous, associated({ vault, epoch: newest.epoch }));
  if (text === undefined || text.length !== (newest.epoch - 1) * ITEM_LENGTH) return undefined;
  const earlier = Array.from({ length: newest.epoch - 1 }, (_, index) => ({
    epoch: text.readUInt32LE(index * ITEM_LENGTH),
    master: text.subarray(index * ITEM_LENGTH + 4, (index + 1) * ITEM_LENGTH),
  }));
  return earlier.every(({ epoch }, index) => epoch === index + 1) ? earlier : undefined;
}

function associated({ vault, epoch }: SlotPlace): string {
  return `holdfast previous 1|${vault}|${epoch}`;
}
