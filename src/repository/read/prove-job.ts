import { createHash } from "node:crypto";
import { DamageError } from "../../kernel/index.ts";
import { quotePath } from "../../vault/index.ts";
import type { EpochKey } from "../keys/epoch-key.ts";
import type { TableEntry } from "../manifest/pack-table.ts";
import { PackTable } from "../manifest/pack-table.ts";
import { checkPack } from "../pack/check-pack.ts";
import { FrameCache } from "../pack/frame-cache.ts";
import type { TreeEntry } from "../tree/tree-entry.ts";
import { readTreeContent } from "./read-content.ts";

/** Decoded frames that one thread keeps. */
const CACHE_BYTES = 20 * 1024 * 1024;

/** The backup that a thread proves parts of; by value. */
export interface ProvePlace {
  /** Tells one proof from another: a thread lives on. */
  readonly proof: string;
  /** Of the vault. */
  readonly folder: string;
  readonly packs: readonly TableEntry[];
  readonly epochs: readonly EpochKey[];
}

export type ProveJob =
  /** Contents, in stored order. */
  | { readonly kind: "contents"; readonly place: ProvePlace; readonly component: string; readonly entries: readonly TreeEntry[] }
  /** Nothing more comes. */
  | { readonly kind: "end" }
  /** The bytes of packs, by their names. */
  | { readonly kind: "packs"; readonly place: ProvePlace; readonly packs: readonly TableEntry[] };

/** What one thread keeps from job to job. */
export class Prover {
  #open: { readonly proof: string; readonly frames: FrameCache } | undefined;

  /** @throws DamageError BACKUP_DAMAGED */
  do(job: ProveJob): void {
    if (job.kind === "end") this.close();
    else if (job.kind === "packs") for (const pack of job.packs) mustBeWhole(job.place.folder, pack);
    else for (const entry of job.entries) this.#prove(job.component, entry, this.#frames(job.place));
  }

  #prove(component: string, tree: TreeEntry, frames: FrameCache): void {
    const hash = createHash("sha256");
    let size = 0;
    for (const bytes of readTreeContent(tree, frames, { get: (place) => frames.get(place) })) {
      hash.update(bytes);
      size += bytes.length;
    }
    if (size === tree.entry.size && hash.digest("hex") === tree.entry.sha256) return;
    const path = `${component}/${tree.entry.path}`;
    throw new DamageError("BACKUP_DAMAGED", `${quotePath(path)} is damaged: its content is not the one that was recorded`, {
      hint: "Use another backup for this file",
      details: { path, component },
    });
  }

  #frames({ proof, folder, packs, epochs }: ProvePlace): FrameCache {
    if (this.#open?.proof === proof) return this.#open.frames;
    this.close();
    const keys = new Map(epochs.map((key) => [key.epoch, { epoch: key.epoch, master: Buffer.from(key.master) }]));
    const epoch = (number: number): EpochKey => {
      const found = keys.get(number);
      if (found !== undefined) return found;
      throw new DamageError("VAULT_DAMAGED", `The keys of epoch ${number} are not in the vault`, { hint: "Use another backup" });
    };
    const frames = new FrameCache({ folder, packs: PackTable.of(packs), keys: { epoch }, budget: CACHE_BYTES });
    this.#open = { proof, frames };
    return frames;
  }

  close(): void {
    this.#open?.frames.close();
    this.#open = undefined;
  }
}

function mustBeWhole(folder: string, { id, name, length }: TableEntry): void {
  const state = checkPack(folder, { name, length });
  if (state === "whole") return;
  throw new DamageError("BACKUP_DAMAGED", `Pack "${name}" (${id}) is ${state}`, {
    hint: "Use another backup, or bring the pack back from a copy of the vault",
    details: { pack: name },
  });
}
