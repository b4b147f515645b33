import { hash } from "node:crypto";
import { errnoOf } from "../kernel/index.ts";
import {
  parseManifest,
  type BackupHead,
  type BackupId,
  type BackupReader,
  type KnownState,
  type Manifest,
  type ManifestLink,
  type PackLook,
  type ReadBack,
  type StoredComponent,
  type StoreRequest,
  type VaultIdentity,
} from "../vault/index.ts";
import type { Doubts } from "./documents/doubts.ts";
import type { PackVerdicts } from "./documents/pack-verdicts.ts";
import type { Opened } from "./documents/read-before.ts";
import type { Documents, FoundBackup, TrashedBackup } from "./documents/read-documents.ts";

export interface StoredManifest<M extends ManifestLink = Manifest> {
  readonly manifest: M;
  readonly bytes: Buffer;
  readonly sha256: string;
}

export interface ReaderParts {
  readonly head: BackupHead;
  /** Comes from outside: stricter, see EntrySafety. */
  readonly foreign: boolean;
  /** Runs once, at the end. */
  release(): void;
}

/** One way in which a committed backup lies in a vault's folder. */
export interface StoredForm {
  readonly name: BackupHead["form"];
  /** What follows the id in the name of the backup. */
  readonly suffix: string;
  readonly isFolder: boolean;
  /** A file of some KB: deleting it takes no longer than giving it another name, and leaves no half of it. */
  readonly isSmall?: true;
  /** A manifest that can be read is the one that was written, to the byte: only who has the vault's key could have changed it, which with encryption "none" is everybody. */
  readonly isProven?: true;
  /** Names in the folder of a draft, besides its claim and staging. */
  readonly draftNames: readonly string[];
  /** Names of folders beside the backups that belong to the vault. */
  readonly besideNames: readonly string[];
  /** The file whose change is a change of the manifest. */
  headOf(path: string): string;
  /**
   * The manifest's bytes, unproved.
   *
   * @param opened told of the file at headOf(), before it is read
   * @throws DamageError · HostError · an ENOENT of the system when the backup has gone
   */
  readManifest(path: string, opened?: Opened): Buffer;
  open(path: string, parts: ReaderParts): BackupReader;
}

export function readHeadOf(form: StoredForm, path: string, id: BackupId): StoredManifest {
  return readManifestAs(parseManifest, { form, path, id });
}

interface ManifestPlace {
  readonly form: StoredForm;
  readonly path: string;
  readonly id: BackupId;
  readonly opened?: Opened;
}

/** @param parse how much of it is asked for: parseManifest() or parseManifestLink() */
export function readManifestAs<M extends ManifestLink>(
  parse: (bytes: Uint8Array, expected: { readonly id: BackupId }) => M,
  { form, path, id, opened }: ManifestPlace,
): StoredManifest<M> {
  const bytes = form.readManifest(path, opened);
  const manifest = parse(bytes, { id });
  return { manifest, bytes, sha256: hash("sha256", bytes) };
}

/** undefined where no backup is. */
export function readHeadIfThere(form: StoredForm, path: string, id: BackupId): StoredManifest | undefined {
  try {
    return readHeadOf(form, path, id);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Of a backup of which everything is stored. */
export interface FinishedBody {
  readonly checksum: string;
  readonly storedBytes: number;
  /** What a reader must know, in the form of the manifest. */
  readonly features: readonly string[];
}

/** The contents of a backup while it is built. Nothing of it is seen before the file or folder that seal() gives is renamed. */
export interface DraftBody extends AsyncDisposable {
  /** See Draft.storesSeveral. */
  readonly storesSeveral?: boolean;
  /** See Draft.known(). */
  known?(component: string): KnownState | undefined;
  /** See Draft.store(). */
  store(request: StoreRequest): Promise<StoredComponent>;
  /** Gives up long work under way; what waits for it fails. */
  interrupt(): void;
  /** Nothing more comes. */
  finish(): Promise<FinishedBody>;
  /**
   * Puts the manifest with it, under a name that is not listed yet.
   */
  seal(manifest: Buffer): Promise<Sealed>;
}

export interface Sealed {
  /** To be renamed into place. */
  readonly path: string;
  /** All of it is on disk, with what it names; otherwise the file system is flushed before it is listed. */
  readonly flushed: boolean;
}

export interface NewBody {
  readonly id: BackupId;
  /** The draft's own folder. */
  readonly folder: string;
  /** Below it, for what is needed while storing. */
  readonly staging: string;
  /** It is stored once more: its components come one after the other, and have a checksum in that order. */
  readonly isImport: boolean;
  /** What the vault holds. */
  readonly backups: readonly FoundBackup[];
  readonly doubts: Doubts;
}

/** What a form needs to read a vault back, pack by pack. The vault's shared lock is held until release(). */
export interface ReadBackParts {
  /** What the vault holds. */
  readonly backups: readonly FoundBackup[];
  readonly verdicts: PackVerdicts;
  readonly now: () => number;
  /** @throws NotFoundError BACKUP_NOT_FOUND */
  find(id: BackupId): { readonly head: BackupHead; readonly path: string };
  release(): void;
}

/** What makes a vault on a local disk an archive or a repository; everything else about it is the same. */
export interface VaultForm {
  readonly name: VaultIdentity["form"];
  /** All that may lie in it, the likelier first. */
  readonly stored: readonly StoredForm[];
  /** How a new backup will lie. */
  readonly writes: StoredForm;
  /** Throws when no backup may be written. Runs under the write lock, before anything of one is made. */
  beforeWrite?(): void;
  newBody(request: NewBody): DraftBody;
  /** Bytes that only the backups that go use, beside those that stay; those that were stored with them unless it is given. */
  freed?(going: readonly FoundBackup[], staying: readonly TrashedBackup[]): number;
  /** Where backups share packs. */
  readBack?(parts: ReadBackParts): ReadBack;
  /** See Vault.lookAtPacks(). */
  lookAtPacks?(backups: readonly Pick<FoundBackup, "id" | "path">[]): PackLook;
  /** Deletes what only backups used that have just been swept. Runs under the exclusive lock. */
  afterSweep?(left: Documents): Promise<void>;
}
