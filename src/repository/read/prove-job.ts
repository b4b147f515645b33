import { createHash } from "node:crypto";
import { DamageError, lstatAt } from "../../kernel/index.ts";
import { quotePath } from "../../vault/index.ts";
import type { EpochKey } from "../keys/epoch-key.ts";
import type { TableEntry } from "../manifest/pack-table.ts";
import { PackTable } from "../manifest/pack-table.ts";
import { checkPack, type PackState } from "../pack/check-pack.ts";
import type { EpochLookup } from "../pack/epoch-lookup.ts";
import { FrameCache } from "../pack/frame-cache.ts";
import { openedEpochs } from "../pack/opened-epochs.ts";
import { packPath } from "../pack/pack-place.ts";
import { openPack } from "../pack/pack-reader.ts";
import { damagedContent, type SmallContents } from "./small-contents.ts";
import type { Extent } from "../tree/resolved-map.ts";
import type { TreeEntry } from "../tree/tree-entry.ts";
import { readTreeContent } from "./read-content.ts";

/** Decoded frames that one thread keeps. */
const CACHE_BYTES = 12 * 1024 * 1024;

/** The backup that a thread proves parts of; by value. */
export interface ProvePlace {
  /** Tells one proof from another: a thread lives on. */
  readonly proof: string;
  /** Of the vault. */
  readonly folder: string;
  /** The encoded table of its packs: as objects, they take longer to hand over with every job than many a job takes. */
  readonly table: Uint8Array;
  readonly epochs: readonly EpochKey[];
}

export type ProveJob =
  /** Contents, in stored order: those that lie in one place each, and others. */
  | {
      readonly kind: "contents";
      readonly place: ProvePlace;
      readonly component: string;
      readonly small: SmallContents;
      readonly entries: readonly TreeEntry[];
    }
  /** Pages of a database from one number on, by where they lie, for whoever hashes them in order; fills `into`, which is shared memory. */
  | {
      readonly kind: "pages";
      readonly place: ProvePlace;
      readonly pageSize: number;
      readonly from: number;
      readonly extents: readonly Extent[];
      readonly into: Uint8Array;
    }
  /** Nothing more comes. */
  | { readonly kind: "end" }
  /** The bytes of packs, by their names; with `frames` every frame is opened as well. */
  | { readonly kind: "packs"; readonly place: ProvePlace; readonly packs: readonly TableEntry[]; readonly frames: boolean };

/** Packs that are not what they are named after. Whatever else is damaged is thrown. */
export type ProveAnswer = readonly { readonly name: string; readonly problem: string }[];

/** What one thread keeps from job to job. */
export class Prover {
  #open: { readonly proof: string; readonly keys: EpochLookup; readonly frames: FrameCache } | undefined;

  /** @throws DamageError BACKUP_DAMAGED */
  do(job: ProveJob): ProveAnswer {
    if (job.kind === "end") this.close();
    else if (job.kind === "pages") this.#readPages(job);
    else if (job.kind === "packs") return job.packs.flatMap((pack) => this.#look(job.place, pack, job.frames));
    else this.#proveContents(job);
    return [];
  }

  #proveContents({ place, component, small, entries }: ProveJob & { kind: "contents" }): void {
    const { frames } = this.#opened(place);
    const path = damagedContent(small, frames);
    if (path !== undefined) throw damagedAt(component, path);
    for (const entry of entries) this.#prove(component, entry, frames);
  }

  #readPages({ place, pageSize, from, extents, into }: ProveJob & { kind: "pages" }): void {
    const { frames } = this.#opened(place);
    for (const { first, pages, ...at } of extents) into.set(frames.get({ ...at, length: pages * pageSize }), (first - from) * pageSize);
  }

  #look(place: ProvePlace, pack: TableEntry, frames: boolean): ProveAnswer {
    const { id, name } = pack;
    const state = frames ? this.#openFrames(place, pack) : checkPack(place.folder, pack);
    return state === "whole" ? [] : [{ name, problem: `Pack "${name}" (${id}) is ${state}` }];
  }

  /** Reads it once from its first byte to its last. */
  #openFrames(place: ProvePlace, pack: TableEntry): PackState {
    if (lstatAt(packPath(place.folder, pack.name)) === undefined) return "missing";
    try {
      using reader = openPack(place.folder, pack, this.#opened(place).keys);
      for (const frame of reader.sealedFrames()) reader.open(frame);
      return "whole";
    } catch (error) {
      if (error instanceof DamageError && error.code === "BACKUP_DAMAGED") return "damaged";
      throw error;
    }
  }

  #prove(component: string, tree: TreeEntry, frames: FrameCache): void {
    const hash = createHash("sha256");
    let size = 0;
    for (const bytes of readTreeContent(tree, frames, frames)) {
      hash.update(bytes);
      size += bytes.length;
    }
    if (size === tree.entry.size && hash.digest("hex") === tree.entry.sha256) return;
    throw damagedAt(component, tree.entry.path);
  }

  #opened({ proof, folder, table, epochs }: ProvePlace): { readonly keys: EpochLookup; readonly frames: FrameCache } {
    if (this.#open?.proof === proof) return this.#open;
    this.close();
    const keys = openedEpochs(epochs);
    this.#open = {
      proof,
      keys,
      frames: new FrameCache({ folder, packs: PackTable.decode(table, "a backup"), keys, budget: CACHE_BYTES, reuses: true }),
    };
    return this.#open;
  }

  close(): void {
    this.#open?.frames.close();
    this.#open = undefined;
  }
}

export function damagedAt(component: string, inside: string): DamageError {
  const path = `${component}/${inside}`;
  return new DamageError("BACKUP_DAMAGED", `${quotePath(path)} is damaged: its content is not the one that was recorded`, {
    hint: "Use another backup for this file",
    details: { path, component },
  });
}
