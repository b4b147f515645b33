import { randomBytes } from "node:crypto";
import type { Locator, PackId } from "../../src/repository/pack/locator.ts";
import type { MetaSource, MetaStore } from "../../src/repository/tree/meta-store.ts";

/** Objects of metadata in memory, four to a frame. What `get` gave is overwritten by the next call, as the port allows. */
export class MemoryMetadata implements MetaStore, MetaSource {
  readonly objects: Map<string, Buffer> = new Map();
  readonly pack: PackId = randomBytes(8).toString("hex") as PackId;
  /** Of all objects together. */
  bytes = 0;
  #offset = 0;
  #lent: Buffer = Buffer.alloc(0);

  put(bytes: Uint8Array): Locator {
    const number = this.objects.size;
    if (number % 4 === 0) this.#offset = 0;
    const place = { pack: this.pack, frame: Math.floor(number / 4), offset: this.#offset, length: bytes.length };
    this.objects.set(keyOf(place), Buffer.from(bytes));
    this.#offset += bytes.length;
    this.bytes += bytes.length;
    return place;
  }

  get(place: Locator): Uint8Array {
    const object = this.objects.get(keyOf(place));
    if (object === undefined) throw new Error(`Nothing was put at ${keyOf(place)}`);
    this.#lent.fill(0xee);
    this.#lent = Buffer.from(object);
    return this.#lent;
  }

  /** The bytes of an object, to be changed in place. */
  at(place: Locator): Buffer {
    const object = this.objects.get(keyOf(place));
    if (object === undefined) throw new Error(`Nothing was put at ${keyOf(place)}`);
    return object;
  }
}

function keyOf({ pack, frame, offset }: Locator): string {
  return `${pack}/${frame}/${offset}`;
}
