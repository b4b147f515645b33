import type { ErrorCode, Guard } from "../kernel/index.ts";
import type { BackupId, Trigger } from "./backup-id.ts";
import type { Entry } from "./entry.ts";
import type { LocatedBackup } from "./located.ts";
import type { Manifest } from "./manifest.ts";
import type { KnownState } from "./known-state.ts";
import type { MarkKind, Marks } from "./marks.ts";
import type { PackLook } from "./pack-look.ts";
import type { ReadBack } from "./read-back.ts";
import type { Change, Reading } from "./reading.ts";

/** A committed backup as the listing shows it. */
export interface BackupHead {
  readonly id: BackupId;
  readonly manifest: Manifest;
  readonly manifestSha256: string;
  readonly marks: Marks;
  /** How it lies in the vault. */
  readonly form: "directory" | "tar.gz" | "repository";
  /** Where, for people: path or URL. */
  readonly location: string;
}

export interface ListOptions {
  /**
   * For who only looks: a file that looks as it did when an earlier process read it may not be read again. Damage that no
   * look shows is found by who reads it.
   */
  readonly recalling?: boolean;
}

export interface Listing {
  /** Newest first by timestamp as an instant, then by sequence. */
  readonly backups: readonly BackupHead[];
  /** Has a backup's name and cannot be trusted. Never silently left out. */
  readonly damaged: readonly {
    readonly name: string;
    readonly problem: string;
    /** Where it is not damage that keeps it from being read: KEY_WRONG, say, when it was sealed with newer keys than those at hand. */
    readonly code?: ErrorCode;
  }[];
  /** Unfinished work of a process that ended; never a backup. */
  readonly unfinished: readonly string[];
  /** Lies in the vault and is not ours; never touched. */
  readonly foreign: readonly string[];
  /** Sequence numbers that are neither a backup nor in a removal record: somebody else took them away. */
  readonly missing: readonly number[];
  /** Places where the chain of hashes does not hold. */
  readonly chain: readonly string[];
  /** Ids that lie in the trash and can be brought back. */
  readonly trash: readonly { readonly id: BackupId; readonly removedAt: string; readonly reason: string }[];
}

export interface StoreRequest {
  readonly component: string;
  /** Folder of a tree, or the file itself, relative to the backup's top. */
  readonly storedAs: string;
  readonly reading: Reading;
  /** It has few entries, which may wait in memory while many of another tree come. */
  readonly few?: boolean;
  readonly signal?: AbortSignal;
  /** Called with bytes read since the last call. */
  readonly onBytes?: (bytes: number) => void;
}

export interface StoredComponent {
  readonly entries: number;
  readonly bytes: number;
  /** Files that moved, in the order met. Vanished ones are listed here and not stored. */
  readonly changed: readonly Change[];
  /** Files that could not be read or not be stored in this form. */
  readonly omissions: readonly { readonly path: string; readonly reason: string; readonly harmless: boolean }[];
  /** About the vault, for people. */
  readonly warnings?: readonly string[];
}

/** What the caller knows; the vault adds sequence, previous, sizes and checksum. */
export type ManifestBody = Omit<
  Manifest,
  "version" | "id" | "vault" | "sequence" | "previous" | "imported_from" | "size_bytes" | "stored_bytes" | "checksum" | "features"
>;

/** A backup that does not exist yet. Exactly one of commit and abort ends it. */
export interface Draft extends AsyncDisposable {
  readonly id: BackupId;
  /** Private folder (0700) on the vault's file system where sources put their copies; gone when the draft ends. */
  readonly staging: string;
  /** What need not be read of a component; undefined when the form never compares. */
  known?(component: string): KnownState | undefined;
  /** Several components may be stored at the same time. */
  readonly storesSeveral?: boolean;
  /**
   * Stores one reading and runs its confirm(). All or nothing: when it throws, nothing of this component is in the draft
   * and the draft can go on, unless the error is of kind "host" or "interrupted".
   */
  store(request: StoreRequest): Promise<StoredComponent>;
  /**
   * Writes the manifest last; once this resolves the backup is listed and on disk. The moment that makes it visible runs
   * inside the guard.
   */
  commit(body: ManifestBody, guard?: Guard): Promise<BackupHead>;
  /** Removes everything. Also what disposal does when commit() was not reached. */
  abort(): Promise<void>;
}

/** A content stream is checked against its entry while it is read; it fails with BACKUP_DAMAGED at the end when it differs. */
export interface OpenedEntry {
  readonly entry: Entry;
  /** undefined for directories, links, and further names of a file. Each chunk is good until the next one is asked for. */
  readonly content?: AsyncIterable<Uint8Array>;
}

/** An open backup; holds the vault's shared lock until it is closed. */
export interface BackupReader extends AsyncDisposable {
  readonly head: BackupHead;
  /** All entries without contents, in stored order, checked against the manifest's checksum before the first is given. */
  entries(): AsyncIterable<Entry>;
  /**
   * Entries with contents in stored order; a content not consumed is skipped. Every property of the stored form is
   * checked: nothing missing, nothing more, every byte as recorded. `select` keeps an unwanted content from being read
   * where the form can seek. With `select` absent and the iteration finished, the backup is proved whole.
   */
  read(options?: {
    readonly select?: (entry: Entry) => boolean;
    readonly signal?: AbortSignal;
    readonly onBytes?: (bytes: number) => void;
  }): AsyncIterable<OpenedEntry>;
  /** Where contents lie, for threads that read them by themselves; undefined where only one after another can be read. */
  located?(): LocatedBackup;
  /** Proves the backup whole, as read() does without `select`, and as fast as the form can. */
  prove?(options?: { readonly signal?: AbortSignal; readonly onBytes?: (bytes: number) => void }): Promise<ProvedBackup>;
}

/** What was read back of a whole backup. */
export interface ProvedBackup {
  readonly entries: number;
  /** Of the contents. */
  readonly bytes: number;
}

export interface VaultIdentity {
  /** Random, made once. */
  readonly id: string;
  /** Instance that owns it. */
  readonly instance: string;
  readonly created_at: string;
  /** How its backups are kept. */
  readonly form: "archive" | "repository";
}

export interface Freed {
  /** Of what only the backups that go use. */
  readonly bytes: number;
  /** Names of backups that cannot be read and might use all of it: for as long as they are there nothing becomes free. */
  readonly heldBy: readonly { readonly name: string; readonly problem: string }[];
}

/** Where backups are kept. One instance owns it; one process writes to it at a time. */
export interface Vault extends AsyncDisposable {
  readonly location: string;
  readonly identity: VaultIdentity;
  list(options?: ListOptions): Promise<Listing>;
  /**
   * Begins a backup under the vault's write lock.
   * @throws BusyError VAULT_BUSY when another process writes; waits up to `wait` milliseconds first
   */
  begin(request: {
    readonly trigger: Trigger;
    readonly time: number;
    readonly wait?: number;
    readonly signal?: AbortSignal;
  }): Promise<Draft>;
  open(id: BackupId): Promise<BackupReader>;
  /** Begins to read back what backups share; undefined where they share nothing. */
  readBack?(): Promise<ReadBack | undefined>;
  /** Looks whether the packs of these backups are there, and takes no lock for it; undefined where they share none. */
  lookAtPacks?(ids: readonly BackupId[]): Promise<PackLook | undefined>;
  setMark<K extends MarkKind>(id: BackupId, kind: K, mark: NonNullable<Marks[K]> | null): Promise<void>;
  /**
   * Writes the removal record, then moves the backups to the trash. `reasons` says of single ones why, where `reason` is
   * of all of them.
   */
  remove(ids: readonly BackupId[], reason: string, time: number, reasons?: ReadonlyMap<string, string>): Promise<void>;
  /**
   * The same for one that the listing calls damaged, by its name there.
   * @throws NotFoundError BACKUP_NOT_FOUND
   */
  removeDamaged(name: string, reason: string, time: number): Promise<void>;
  /**
   * Deletes what lies in the trash for good and gives its ids. Waits for nobody.
   * @throws BusyError VAULT_BUSY when somebody reads or writes: leave it for the next run
   */
  sweepTrash(): Promise<readonly BackupId[]>;
  /** What would be free if these were gone for good. */
  freed?(ids: readonly BackupId[]): Promise<Freed>;
  /** Brings one back from the trash. */
  undelete(id: BackupId, time: number): Promise<void>;
}
