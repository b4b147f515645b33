import { DamageError } from "../../kernel/index.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { packIdOf, type PackId } from "../pack/locator.ts";
import type { PackPlace } from "../pack/pack-place.ts";
import { PACK_LIMIT } from "../pack/trailer.ts";

export interface TableEntry extends PackPlace {
  /** Raw bytes of its data frames. */
  readonly raw: number;
  /** Raw bytes of its data frames that the backup names. */
  readonly used: number;
}

const ID_LENGTH = 8;
const NAME_LENGTH = 32;
/** The id, the name, and three varints. */
const SMALLEST_ENTRY: number = ID_LENGTH + NAME_LENGTH + 3;

/** The packs of one backup, in the order of their ids; no id names two of them. */
export class PackTable {
  readonly entries: readonly TableEntry[];
  #byId: ReadonlyMap<PackId, TableEntry> | undefined;

  private constructor(entries: readonly TableEntry[]) {
    this.entries = entries;
  }

  /**
   * @param entries in any order
   * @throws DamageError VAULT_DAMAGED when two packs have one id
   */
  static of(entries: Iterable<TableEntry>): PackTable {
    const sorted = [...entries].toSorted((one, other) => (one.id < other.id ? -1 : 1));
    const twice = sorted.find(({ id }, index) => id === sorted[index + 1]?.id);
    if (twice === undefined) return new PackTable(sorted);
    throw new DamageError("VAULT_DAMAGED", `Two packs have the id ${twice.id}`, { hint: "Look at who put packs into the vault" });
  }

  /** @throws DamageError MANIFEST_INVALID */
  static decode(bytes: Uint8Array, subject: string): PackTable {
    const entries: TableEntry[] = [];
    readPacks(bytes, subject, (key, { length, raw, used }) => entries.push({ ...placeOfKey(key), length, raw, used }));
    return new PackTable(entries);
  }

  encode(): Buffer {
    const writer = new ByteWriter(this.entries.length * (SMALLEST_ENTRY + 10) + 8);
    writer.varint(this.entries.length);
    for (const { id, name, length, raw, used } of this.entries)
      writer.bytes(Buffer.from(id, "hex")).bytes(Buffer.from(name, "hex")).varint(length).varint(raw).varint(used);
    return writer.toBytes();
  }

  get(id: PackId): TableEntry | undefined {
    this.#byId ??= new Map(this.entries.map((entry) => [entry.id, entry]));
    return this.#byId.get(id);
  }
}

interface PackSizes {
  readonly length: number;
  readonly raw: number;
  readonly used: number;
}

/** A pack as bytes: its id, then its name. */
export type PackKey = string & { readonly PackKey: unique symbol };

export type PackVisit = (key: PackKey, sizes: PackSizes) => void;

export function placeOfKey(key: PackKey): Pick<TableEntry, "id" | "name"> {
  const bytes = Buffer.from(key, "latin1");
  return { id: packIdOf(bytes), name: bytes.toString("hex", ID_LENGTH) };
}

/** Goes through an encoded table. @throws DamageError MANIFEST_INVALID */
export function readPacks(bytes: Uint8Array, subject: string, visit: PackVisit): void {
  scanPacks(bytes, subject, (table, at, length, raw, used) => visit(keyAt(table, at), { length, raw, used }));
}

/** Bytes of a table's id and name of a pack. */
export const KEY_LENGTH: number = ID_LENGTH + NAME_LENGTH;

/** @param at where the id and the name of the pack lie in the table */
export type PackScan = (table: DataView, at: number, length: number, raw: number, used: number) => void;

/**
 * Goes through an encoded table and makes nothing of its packs: a prune goes through a hundred thousand of them.
 *
 * @throws DamageError MANIFEST_INVALID
 */
export function scanPacks(bytes: Uint8Array, subject: string, visit: PackScan): void {
  // Whole numbers of several bytes come out of no Buffer as quickly.
  const table = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new ByteReader(bytes, `the pack table of ${subject}`, "MANIFEST_INVALID");
  let highBefore = 0;
  let lowBefore = 0;
  for (let left = reader.count("the count of packs", SMALLEST_ENTRY), isFirst = true; left > 0; left--, isFirst = false) {
    const at = reader.skip(KEY_LENGTH, "the id and the name of a pack");
    // Big-endian: ids stand in the order of their bytes.
    const high = table.getUint32(at);
    const low = table.getUint32(at + 4);
    if (!isFirst && (high < highBefore || (high === highBefore && low <= lowBefore)))
      throw reader.refuse(high === highBefore && low === lowBefore ? `it holds ${packAt(table, at)} twice` : "its packs are not in order");
    highBefore = high;
    lowBefore = low;
    const length = reader.varint("the length of a pack");
    const raw = reader.varint("the raw length of a pack");
    const used = reader.varint("the used length of a pack");
    if (length > PACK_LIMIT) throw reader.refuse(`${packAt(table, at)} cannot have ${length} bytes`);
    if (used > raw) throw reader.refuse(`of ${packAt(table, at)} more is used than it holds`);
    visit(table, at, length, raw, used);
  }
  reader.end();
}

function keyAt(table: DataView, at: number): PackKey {
  return Buffer.from(table.buffer, table.byteOffset + at, KEY_LENGTH).toString("latin1") as PackKey;
}

function packAt(table: DataView, at: number): string {
  return `pack ${placeOfKey(keyAt(table, at)).id}`;
}
