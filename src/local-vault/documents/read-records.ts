import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { errnoOf, namedSystemError } from "../../kernel/index.ts";
import { parseRecord, type VaultRecord } from "../../vault/index.ts";
import type { Layout } from "../layout.ts";
import { Moved, unreadable } from "./moved.ts";
import type { Reads } from "./read-before.ts";

export interface FoundRecord {
  readonly record: VaultRecord;
  readonly sha256: string;
}

/** One that cannot be read or understood. */
export interface UnreadRecord {
  /** In the folder of the vault's own. */
  readonly name: string;
  readonly problem: string;
  readonly sequence: number;
}

/** Every record of the vault, in the order of their names. @throws Moved */
export function readRecords(
  layout: Layout,
  reads: Reads,
): { readonly records: readonly FoundRecord[]; readonly unread: readonly UnreadRecord[] } {
  const records: FoundRecord[] = [];
  const unread: UnreadRecord[] = [];
  const there = recordNumbers(layout);
  for (const sequence of there) {
    const path = layout.record(sequence);
    try {
      records.push(reads.of(path, () => readRecord(path, sequence)));
    } catch (error) {
      // A summary has taken it in.
      if (errnoOf(error) === "ENOENT") throw new Moved("gone", { cause: error });
      unread.push({ name: `records/${basename(path)}`, problem: namedSystemError(error, `read record ${sequence}`).message, sequence });
    }
  }
  // A folder that changes while it is listed may show neither a summary nor what it has taken in.
  if (recordNumbers(layout).join() !== there.join()) throw new Moved("changed");
  return { records, unread };
}

function readRecord(path: string, sequence: number): FoundRecord {
  const bytes = readFileSync(path);
  return { record: parseRecord(bytes, { sequence }), sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** Of the files that are records, and not of a write that was cut off. */
function recordNumbers({ records: folder }: Layout): number[] {
  let names: string[];
  try {
    names = readdirSync(folder).toSorted();
  } catch (error) {
    throw unreadable(folder, error);
  }
  return names.flatMap((name) => {
    const sequence = /^([1-9]\d{0,15})\.json$/.exec(name)?.[1];
    return sequence === undefined ? [] : [Number(sequence)];
  });
}
