import type { BackupHead, Listing, Marks } from "../vault/index.ts";
import { checkChain } from "./chain.ts";
import type { Layout } from "./layout.ts";
import { readMarks } from "./marks-folder.ts";
import type { Damaged, Documents, FoundBackup } from "./read-documents.ts";
import { latestRecords } from "./removal.ts";

export function makeListing(layout: Layout, documents: Documents): Listing {
  const damaged: Damaged[] = [...documents.damaged];
  const marks = readMarks(layout, damaged);
  const { missing, problems } = checkChain(documents);
  const records = latestRecords(documents);
  return {
    backups: documents.backups.map((found) => headOf(found, marks.get(found.id) ?? {})).toSorted(newestFirst),
    damaged,
    unfinished: documents.unfinished,
    foreign: documents.foreign,
    missing,
    chain: problems,
    trash: documents.trash.map(({ id, sha256 }) => {
      const record = records.get(sha256);
      return { id, removedAt: record?.at ?? "", reason: record?.reason ?? "no record says why" };
    }),
  };
}

function headOf({ id, form, path, manifest, sha256 }: FoundBackup, marks: Marks): BackupHead {
  const { verified, ...others } = marks;
  // A verdict belongs to exactly one document: an older backup of the same id may have left one behind.
  const valid = verified?.manifest_sha256 === sha256 ? { verified } : {};
  return { id, manifest, manifestSha256: sha256, marks: { ...others, ...valid }, form, location: path };
}

function newestFirst(a: BackupHead, b: BackupHead): number {
  return Date.parse(b.manifest.timestamp) - Date.parse(a.manifest.timestamp) || b.manifest.sequence - a.manifest.sequence;
}
