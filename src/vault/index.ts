/**
 * What a backup is: ids, entries, spans, readings, manifests, marks, and the port that every form of vault fills.
 * Knows no medium, and reads a file of a component only through a span that a source gave. A document is validated here once, at the door, and trusted inside.
 */
export { backupTime, isBackupId, makeBackupId, toBackupId, TRIGGERS, type BackupId, type Trigger } from "./backup-id.ts";
export { ContentCheck, GROUP_BYTES, GroupSums, isProved, PagesHash, proofOf, SUM_BYTES, type ContentProof } from "./content-proof.ts";
export { DocumentFields, parseJsonDocument } from "./document.ts";
export { entriesOf } from "./entries-of.ts";
export { EntryChecksum } from "./entry-checksum.ts";
export { pathProblem, quotePath } from "./entry-path.ts";
export { EntrySafety } from "./entry-safety.ts";
export type { Entry } from "./entry.ts";
export { openFile, openSpan, readFully, type OpenedFile } from "./open-span.ts";
export {
  fileLook,
  isRecentlyRead,
  isSameLook,
  settledBefore,
  type DatabaseLook,
  type FileLook,
  type KnownRecords,
  type KnownState,
  type RecordSink,
} from "./known-state.ts";
export { fromTheFuture, lastTakenFirst } from "./last-taken-first.ts";
export type { ContentPart, Contents, ContentsModule, LocatedBackup, LocatedContent, LocatedEntry } from "./located.ts";
export { ENTRY_LINE_LIMIT, formatEntry, parseEntryLine } from "./parse-entry.ts";
export { parseManifest, parseManifestLink, type ManifestLink } from "./parse-manifest.ts";
export { MARK_KINDS, parseMark } from "./parse-mark.ts";
export { readContent, type ContentEnd, type ContentStep, type LiveFacts, type ReadableContent } from "./read-content.ts";
export {
  MOST_RANGES,
  parseRecord,
  RECORD_VERSION,
  SUMMARY_VERSION,
  type NumberRange,
  type RecordedBackup,
  type RecordedDamage,
  type VaultRecord,
} from "./removal-record.ts";
export { passedOver, resolveBackup } from "./resolve-backup.ts";
export type { Content, Span } from "./span.ts";
export { ENTRIES_NAME, MANIFEST_NAME, storedPath } from "./stored-path.ts";
export {
  SOURCE_KINDS,
  type Change,
  type EntryHead,
  type Omission,
  type Reading,
  type ReadingEntry,
  type ReadingReport,
  type Salvaged,
  type SourceKind,
  type SqliteDetails,
  type UntouchedEntries,
} from "./reading.ts";
export {
  goodFor,
  goodForAll,
  MANIFEST_VERSION,
  type ComponentDetails,
  type ImportedFrom,
  type Importance,
  type Manifest,
  type NotCaptured,
  type Previous,
} from "./manifest.ts";
export type { MarkKind, Marks, PinMark, VerifiedMark } from "./marks.ts";
export type { LostPack, PackLook } from "./pack-look.ts";
export type { PackVerdict, ReadBack, ReadBackOptions, SharedPack } from "./read-back.ts";
export type {
  BackupHead,
  BackupReader,
  Draft,
  Freed,
  Listing,
  ListOptions,
  ManifestBody,
  OpenedEntry,
  ProvedBackup,
  StoredComponent,
  StoreRequest,
  Vault,
  VaultIdentity,
} from "./vault.ts";
export { foundDamage } from "./found-damage.ts";
