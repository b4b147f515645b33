import { DamageError, freeBuffer, lstatAt } from "../../kernel/index.ts";
import { ContentCheck, quotePath } from "../../vault/index.ts";
import type { EpochKey } from "../keys/epoch-key.ts";
import type { TableEntry } from "../manifest/pack-table.ts";
import { PackTable } from "../manifest/pack-table.ts";
import type { EpochLookup } from "../pack/epoch-lookup.ts";
import { FrameCache } from "../pack/frame-cache.ts";
import { openedEpochs } from "../pack/opened-epochs.ts";
import { packPath } from "../pack/pack-place.ts";
import type { PackId } from "../pack/locator.ts";
import { openPack, type PackReader } from "../pack/pack-reader.ts";
import { damagedContent, type SmallContents } from "./small-contents.ts";
import type { Extent } from "../tree/resolved-map.ts";
import type { TreeEntry } from "../tree/tree-entry.ts";
import { readTreeContent } from "./read-content.ts";

/** Decoded frames that one thread keeps. */
const CACHE_BYTES = 6 * 1024 * 1024;

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
  /** Which frames this thread has read for the proof, to leave out the others' among them. */
  | { readonly kind: "frames"; readonly place: ProvePlace }
  /** What of packs nobody has read for a content: their headers and directories, and with `readsOn` their other frames. */
  | { readonly kind: "rest"; readonly place: ProvePlace; readonly packs: readonly PartlyRead[]; readonly readsOn: boolean }
  /** Every byte of packs, by their names, and every frame is opened. */
  | { readonly kind: "packs"; readonly place: ProvePlace; readonly packs: readonly TableEntry[] }
  /** Nothing more comes. */
  | { readonly kind: "end" };

/** A pack, and the ordinals of its frames that were read already. */
export interface PartlyRead {
  readonly pack: TableEntry;
  readonly read: Uint32Array;
}

/** What is damaged besides packs is thrown. */
export interface ProveAnswer {
  /** Packs that are not what they are named after. */
  readonly damaged?: readonly DamagedPack[];
  /** Names of packs of which there is more to be read. */
  readonly unread?: readonly string[];
  readonly frames?: ReadFrames;
}

export interface DamagedPack {
  readonly name: string;
  readonly problem: string;
}

/** Ordinals of frames that were read and are what was sealed. */
export type ReadFrames = ReadonlyMap<PackId, ReadonlySet<number>>;

interface OpenProof {
  readonly proof: string;
  readonly keys: EpochLookup;
  readonly frames: FrameCache;
  readonly read: ReadFrames;
}

/** What one thread keeps from job to job. */
export class Prover {
  #open: OpenProof | undefined;

  /** @throws DamageError BACKUP_DAMAGED */
  do(job: ProveJob): ProveAnswer {
    switch (job.kind) {
      case "frames":
        return { frames: this.#opened(job.place).read };
      case "rest":
        return this.#readRest(job);
      case "packs":
        return { damaged: job.packs.flatMap((pack) => this.#look(job.place, pack, readWhole)) };
      case "contents":
        this.#proveContents(job);
        return {};
      case "pages":
        this.#readPages(job);
        return {};
      default:
        this.close();
        return {};
    }
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

  #readRest({ place, packs, readsOn }: ProveJob & { kind: "rest" }): ProveAnswer {
    const unread: string[] = [];
    const damaged = packs.flatMap(({ pack, read }) => {
      return this.#look(place, pack, (reader) => {
        const left = unreadOf(reader, read);
        if (!readsOn && left.length > 0) unread.push(pack.name);
        else for (const ordinal of left) reader.authenticate(ordinal);
      });
    });
    return { damaged, unread };
  }

  /** @param read throws when a byte of it is not what was sealed */
  #look(place: ProvePlace, pack: TableEntry, read: (reader: PackReader) => void): readonly DamagedPack[] {
    const { id, name } = pack;
    if (lstatAt(packPath(place.folder, name)) === undefined) return [{ name, problem: `Pack "${name}" (${id}) is missing` }];
    try {
      using reader = openPack(place.folder, pack, this.#opened(place).keys);
      read(reader);
      return [];
    } catch (error) {
      if (error instanceof DamageError && error.code === "BACKUP_DAMAGED") return [{ name, problem: `Pack "${name}" (${id}) is damaged` }];
      throw error;
    }
  }

  #prove(component: string, tree: TreeEntry, frames: FrameCache): void {
    const check = new ContentCheck(tree.entry);
    let size = 0;
    for (const bytes of readTreeContent(tree, frames, frames)) {
      check.update(bytes);
      size += bytes.length;
    }
    if (size === tree.entry.size && check.holds()) return;
    throw damagedAt(component, tree.entry.path);
  }

  #opened({ proof, folder, table, epochs }: ProvePlace): OpenProof {
    if (this.#open?.proof === proof) return this.#open;
    this.close();
    const keys = openedEpochs(epochs);
    const read = new Map<PackId, Set<number>>();
    const onRead = (pack: PackId, ordinal: number): void => {
      const ordinals = read.get(pack);
      if (ordinals === undefined) read.set(pack, new Set([ordinal]));
      else ordinals.add(ordinal);
    };
    const packs = PackTable.decode(table, "a backup");
    this.#open = { proof, keys, read, frames: new FrameCache({ folder, packs, keys, budget: CACHE_BYTES, frees: true, onRead }) };
    return this.#open;
  }

  close(): void {
    this.#open?.frames.close();
    this.#open = undefined;
  }
}

/** Once from the first byte to the last. */
function readWhole(reader: PackReader): void {
  for (const frame of reader.sealedFrames()) freeBuffer(reader.open(frame));
}

/**
 * The header is part of every seal, the directory has been opened by now, and between them there is nothing but frames. The trailer behind it says where
 * it begins, and with every other bit there would be no directory.
 */
function unreadOf(reader: PackReader, read: Uint32Array): readonly number[] {
  const known = new Set(read);
  return [...reader.frames.keys()].filter((ordinal) => !known.has(ordinal));
}

export function damagedAt(component: string, inside: string): DamageError {
  const path = `${component}/${inside}`;
  return new DamageError("BACKUP_DAMAGED", `${quotePath(path)} is damaged: its content is not the one that was recorded`, {
    hint: "Use another backup for this file",
    details: { path, component },
  });
}
