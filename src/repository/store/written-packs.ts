import { DamageError, InternalError } from "../../kernel/index.ts";
import { PackTable, type TableEntry } from "../manifest/pack-table.ts";
import type { PackId } from "../pack/locator.ts";
import { packFolder, packPath, packsFolder, seePack } from "../pack/pack-place.ts";
import type { FinishedPack } from "../pack/pack-writer.ts";
import type { PackUse } from "../tree/pack-use.ts";
import type { Base } from "./base.ts";

/** The packs that one backup has written so far. */
export class WrittenPacks {
  readonly #folder: string;
  readonly #packs: FinishedPack[] = [];
  #asked = 0;

  /** @param folder of the vault */
  constructor(folder: string) {
    this.#folder = folder;
  }

  add(packs: readonly FinishedPack[]): void {
    this.#packs.push(...packs);
  }

  get bytes(): number {
    return this.#packs.reduce((sum, { length }) => sum + length, 0);
  }

  /** Every pack that is named, and nothing else. */
  table(use: PackUse, bases: readonly (Base | undefined)[]): PackTable {
    const known = new Map<PackId, Omit<TableEntry, "used">>();
    for (const base of bases) for (const entry of base?.packs.entries ?? []) known.set(entry.id, entry);
    for (const { id, name, length, rawData } of this.#packs) known.set(id, { id, name, length, raw: rawData });
    return PackTable.of(
      [...use.packs()].map(([id, { content }]) => {
        const entry = known.get(id);
        if (entry === undefined) throw new InternalError(`Pack ${id} is named, and nobody knows it`);
        return { ...entry, used: content };
      }),
    );
  }

  /** What must be on disk before a manifest names what was added since the last call: packs, and the folders that lead to them. */
  placesToSync(): readonly string[] {
    const packs = this.#packs.slice(this.#asked);
    this.#asked = this.#packs.length;
    if (packs.length === 0) return [];
    const folders = new Set(packs.map(({ name }) => packFolder(this.#folder, name)));
    return [...packs.map(({ name }) => packPath(this.#folder, name)), ...folders, packsFolder(this.#folder)];
  }
}

/** Before a backup names a pack that it did not write. @param folder of the vault */
export function mustBeThere(folder: string, pack: TableEntry): void {
  if (seePack(folder, pack) === "there") return;
  throw new DamageError(
    "VAULT_DAMAGED",
    `Pack "${pack.name}" (${pack.id}) of an earlier backup went away or changed while this one was taken`,
    {
      hint: "Take the backup again: what lay in it is then stored anew. Look at who changes the vault",
    },
  );
}
