import type { BackupId, Trigger } from "./backup-id.ts";
import type { Change, ReadingReport } from "./reading.ts";

export const MANIFEST_VERSION = "1";
/** A feature to read: an entry of the backup has a `pages_sha256`, and the checksum covers that in the place of its `sha256`. */
export const PAGES_FEATURE = "pages_sha256";

/** What a manifest says of one captured component. */
export interface ComponentDetails extends ReadingReport {
  /** Inside the backup's folder: the folder of a tree, or the file itself. */
  readonly stored_as: string;
  readonly bytes: number;
  readonly entries: number;
  /** Everything that its rules would have captured is in, and held still where that counts. */
  readonly whole: boolean;
  readonly importance: Importance;
  readonly changed: readonly Change[];
}

export const IMPORTANCES = ["critical", "high", "medium"] as const;
export type Importance = (typeof IMPORTANCES)[number];

/** A declared component that is not in this backup. */
export interface NotCaptured {
  readonly importance: Importance;
  readonly code: string;
  readonly reason: string;
}

/** Link of the chain that manifests and records form. */
export interface Previous {
  readonly sequence: number;
  /** SHA-256 of the bytes of the document with that sequence number, lower-case hex. */
  readonly sha256: string;
}

/** Where an imported backup was first taken; its own chain goes on there. */
export interface ImportedFrom {
  readonly vault: string;
  readonly instance: string;
  readonly sequence: number;
  /** Of the manifest as it was there. */
  readonly manifest_sha256: string;
}

/** The document that describes a backup and, by being written last, makes it exist. Never changed afterwards. */
export interface Manifest {
  readonly version: typeof MANIFEST_VERSION;
  readonly holdfast_version: string;
  readonly id: BackupId;
  readonly instance: string;
  /** Random id of the vault, from its configuration object. */
  readonly vault: string;
  readonly sequence: number;
  readonly previous: Previous | null;
  readonly imported_from?: ImportedFrom;
  /** When the backup began. ISO 8601 UTC, seconds. */
  readonly timestamp: string;
  readonly finished_at: string;
  readonly trigger: Trigger;
  readonly tags: readonly string[];
  /** Captured components, in the configuration's order, `holdfast` last. */
  readonly components: readonly string[];
  readonly not_captured: Readonly<Record<string, NotCaptured>>;
  readonly db_schema_version: number | null;
  /** Bytes of all contents before compression. */
  readonly size_bytes: number;
  /** Bytes that this backup has added to the vault, without manifest and, in archive form, entries: there it shares none. */
  readonly stored_bytes: number;
  /** "sha256:<hex>" over every entry; see checksum.ts. */
  readonly checksum: string;
  readonly component_details: Readonly<Record<string, ComponentDetails>>;
  readonly runtime: { readonly name: string; readonly version: string } | null;
  readonly host: string;
  /** Names a reader (or writer) must know to handle this backup; unknown ones are refused. */
  readonly features: { readonly read: readonly string[]; readonly write: readonly string[] };
}

/** Whether a backup carries a component whole and not suspect. */
export function goodFor(manifest: Manifest, component: string): boolean {
  const details = manifest.component_details[component];
  return details !== undefined && details.whole && !details.suspect;
}

/** Whether a backup is good for everything that was declared when it was taken. */
export function goodForAll(manifest: Manifest): boolean {
  return Object.keys(manifest.not_captured).length === 0 && manifest.components.every((name) => goodFor(manifest, name));
}
