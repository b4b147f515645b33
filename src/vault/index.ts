/**
 * What a backup is: ids, entries, spans, readings, manifests, marks, and the port that every form of vault fills.
 * Knows no medium and reads no file of a component. A document is validated here once, at the door, and trusted inside.
 */
export { isBackupId, isTrigger, makeBackupId, toBackupId, TRIGGERS, type BackupId, type Trigger } from "./backup-id.ts";
export type { Entry } from "./entry.ts";
export type { Content, Span } from "./span.ts";
export {
  SOURCE_KINDS,
  type Change,
  type EntryHead,
  type Omission,
  type Reading,
  type ReadingEntry,
  type ReadingReport,
  type SourceKind,
  type SqliteDetails,
} from "./reading.ts";
export {
  goodFor,
  goodForAll,
  IMPORTANCES,
  MANIFEST_VERSION,
  type ComponentDetails,
  type Importance,
  type Manifest,
  type NotCaptured,
  type Previous,
} from "./manifest.ts";
export type { MarkKind, Marks, PinMark, VerifiedMark } from "./marks.ts";
export type {
  BackupHead,
  BackupReader,
  Draft,
  Listing,
  ManifestBody,
  OpenedEntry,
  StoredComponent,
  StoreRequest,
  Vault,
  VaultIdentity,
} from "./vault.ts";
