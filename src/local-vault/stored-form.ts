import { createHash } from "node:crypto";
import {
  parseManifest,
  type BackupHead,
  type BackupId,
  type BackupReader,
  type KnownState,
  type Manifest,
  type StoredComponent,
  type StoreRequest,
  type VaultIdentity,
} from "../vault/index.ts";
import type { Documents, FoundBackup } from "./documents/read-documents.ts";

export interface StoredManifest {
  readonly manifest: Manifest;
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
  /** Names in the folder of a draft, besides its claim and staging. */
  readonly draftNames: readonly string[];
  /** Names of folders beside the backups that belong to the vault. */
  readonly besideNames: readonly string[];
  /** The file whose change is a change of the manifest. */
  headOf(path: string): string;
  /**
   * The manifest's bytes, unproved.
   *
   * @throws DamageError · HostError · an ENOENT of the system when the backup has gone
   */
  readManifest(path: string): Buffer;
  open(path: string, parts: ReaderParts): BackupReader;
}

export function readHeadOf(form: StoredForm, path: string, id?: BackupId): StoredManifest {
  const bytes = form.readManifest(path);
  const manifest = parseManifest(bytes, id === undefined ? {} : { id });
  return { manifest, bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** The contents of a backup while it is built. Nothing of it is seen before the file or folder that seal() gives is renamed. */
export interface DraftBody extends AsyncDisposable {
  /** See Draft.known(). */
  known?(component: string): KnownState | undefined;
  /** See Draft.store(). */
  store(request: StoreRequest): Promise<StoredComponent>;
  /** Gives up long work under way; what waits for it fails. */
  interrupt(): void;
  /** Nothing more comes. */
  finish(): Promise<{ readonly checksum: string; readonly storedBytes: number }>;
  /**
   * Puts the manifest with it, under a name that is not listed yet.
   *
   * @returns the path to rename into place
   */
  seal(manifest: Buffer): Promise<string>;
}

export interface NewBody {
  readonly id: BackupId;
  /** The draft's own folder. */
  readonly folder: string;
  /** Below it, for what is needed while storing. */
  readonly staging: string;
  /** What the vault holds. */
  readonly backups: readonly FoundBackup[];
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
  freed?(going: readonly FoundBackup[], staying: readonly FoundBackup[]): number;
  /** Deletes what only backups used that have just been swept. Runs under the exclusive lock. */
  afterSweep?(left: Documents): Promise<void>;
}
