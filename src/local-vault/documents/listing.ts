import type { BackupHead, Listing, Marks } from "../../vault/index.ts";
import { checkChain } from "./chain.ts";
import type { Layout } from "../layout.ts";
import { readMarks } from "./marks-folder.ts";
import { ANEW, type Reads } from "./read-before.ts";
import type { Damaged, Documents, FoundBackup } from "./read-documents.ts";
import { latestAbout, latestRecords } from "./latest-records.ts";

export function makeListing(layout: Layout, documents: Documents, reads: Reads = ANEW): Listing {
  const damaged: Damaged[] = [...documents.damaged];
  const marks = readMarks(layout, damaged, reads);
  const { missing, problems } = checkChain(documents);
  const records = latestRecords(documents.records);
  const trashed = new Set(documents.trash.map(({ sha256 }) => sha256));
  const isCopy = ({ sha256 }: FoundBackup): boolean => records.get(sha256)?.kind === "removal" && trashed.has(sha256);
  for (const found of documents.backups.filter((each) => isCopy(each)))
    damaged.push({ name: found.id, problem: "was removed and lies in the trash; somebody laid a copy beside it, which nothing uses" });
  return {
    backups: documents.backups
      .filter((found) => !isCopy(found))
      .map((found) => ({ head: headOf(found, marks.get(found.id) ?? {}), taken: Date.parse(found.manifest.timestamp) }))
      .toSorted((a, b) => b.taken - a.taken || b.head.manifest.sequence - a.head.manifest.sequence)
      .map(({ head }) => head),
    damaged,
    unfinished: documents.unfinished,
    foreign: documents.foreign,
    missing,
    chain: problems,
    trash: [
      ...documents.trash.map(({ id, sha256 }) => {
        const record = records.get(sha256);
        const own = record?.backups.find(({ manifest_sha256: hash }) => hash === sha256)?.reason;
        return { id, removedAt: record?.at ?? "", reason: own ?? record?.reason ?? "no record says why" };
      }),
      ...documents.damagedTrash.map(({ id, name, problem }) => {
        const record = latestAbout(documents.records, name)?.record;
        return { id, removedAt: record?.at ?? "", reason: `${record?.reason ?? "no record says why"}; it is damaged: ${problem}` };
      }),
    ],
  };
}

function headOf({ id, form, path, manifest, sha256 }: FoundBackup, marks: Marks): BackupHead {
  const { verified, ...others } = marks;
  // A verdict belongs to exactly one document: an older backup of the same id may have left one behind.
  const valid = verified?.manifest_sha256 === sha256 ? { verified } : {};
  return { id, manifest, manifestSha256: sha256, marks: { ...others, ...valid }, form, location: path };
}
