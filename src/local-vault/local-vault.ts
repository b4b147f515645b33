import { lstatAt, namedSystemError, NotFoundError, removeFile, type Clock } from "../kernel/index.ts";
import {
  MARK_KINDS,
  type BackupHead,
  type BackupId,
  type BackupReader,
  type Draft,
  type Freed,
  type Listing,
  type ListOptions,
  type ManifestBody,
  type MarkKind,
  type Marks,
  type ReadBack,
  type Trigger,
  type Vault,
  type VaultIdentity,
} from "../vault/index.ts";
import { checkChain } from "./documents/chain.ts";
import { doubtsOf } from "./documents/doubts.ts";
import { listRecalling, type KeptReads } from "./documents/kept-listing.ts";
import { makeListing } from "./documents/listing.ts";
import type { ListingCache } from "./documents/listing-cache.ts";
import { readMarks, writeMark } from "./documents/marks-folder.ts";
import { noteNewest } from "./documents/note-newest.ts";
import { OwnDocuments } from "./documents/own-documents.ts";
import { packVerdictsOf } from "./documents/pack-verdicts.ts";
import type { Documents } from "./documents/read-documents.ts";
import { removeBackups, removeDamaged, settleRecords, undeleteBackup } from "./documents/removal.ts";
import { summarizeRecords } from "./documents/summary.ts";
import { deleteAside, setTrashAside } from "./documents/trash.ts";
import { claimDraft, claimNewDraft, removeAbandonedDrafts } from "./draft/claim-draft.ts";
import { LocalDraft, type FinishedDraft } from "./draft/local-draft.ts";
import { manifestOf, type Imported } from "./draft/manifest-of.ts";
import { publishBackup } from "./draft/publish.ts";
import { layoutOf, type Layout } from "./layout.ts";
import { readHeadIfThere, type StoredForm, type StoredManifest, type VaultForm } from "./stored-form.ts";
import { lockVault, type HeldLock } from "./vault-lock.ts";

/** How long a short change waits for another one, and a reader for a sweep. Milliseconds. */
const PATIENCE = 5000;
/** For a backup that somebody else may be removing. */
const LOOKS = 3;

export interface BeginRequest {
  readonly trigger: Trigger;
  readonly time: number;
  readonly wait?: number;
  readonly signal?: AbortSignal;
}

export interface LocalVaultOptions {
  readonly form: VaultForm;
  readonly clock: Clock;
  /** For list() alone. */
  readonly listings?: ListingCache;
  /** For list() by who only looks, in a process that ends soon. */
  readonly kept?: KeptReads;
}

/** A vault on a local disk: everything about it that does not depend on how a backup lies in it. */
export class LocalVault implements Vault {
  readonly location: string;
  readonly identity: VaultIdentity;
  readonly clock: Clock;
  readonly #layout: Layout;
  readonly #form: VaultForm;
  readonly #listings: ListingCache | undefined;
  readonly #kept: KeptReads | undefined;
  readonly #documents: OwnDocuments;

  constructor(path: string, identity: VaultIdentity, options: LocalVaultOptions) {
    this.location = path;
    this.identity = identity;
    this.clock = options.clock;
    this.#form = options.form;
    this.#layout = layoutOf(path, options.form.stored);
    this.#listings = options.listings;
    this.#kept = options.kept;
    this.#documents = new OwnDocuments(this.#layout, identity.id);
  }

  list({ recalling = false }: ListOptions = {}): Promise<Listing> {
    if (this.#listings !== undefined) return Promise.resolve(this.#listings.list(this.#layout, this.identity.id));
    if (recalling && this.#kept !== undefined) return Promise.resolve(listRecalling(this.#layout, this.identity.id, this.#kept));
    return Promise.resolve(makeListing(this.#layout, this.#documents.read(), this.#documents.reads));
  }

  async begin(request: BeginRequest): Promise<Draft> {
    return await this.#begin({
      ...request,
      what: "a backup",
      claim: () => claimNewDraft(this.#layout, this.identity.id, request.time, request.trigger),
    });
  }

  /** A draft under a given id, for a backup that was taken elsewhere. */
  async beginImport(id: BackupId, imported: Imported, options: { readonly signal?: AbortSignal }): Promise<Draft> {
    return await this.#begin({
      ...options,
      wait: PATIENCE,
      what: "an import",
      imported,
      claim: () => claimDraft(this.#layout, this.identity.id, id),
    });
  }

  async #begin(request: {
    readonly what: string;
    readonly wait?: number;
    readonly signal?: AbortSignal;
    readonly imported?: Imported;
    readonly claim: () => { readonly id: BackupId; readonly folder: string };
  }): Promise<Draft> {
    const { what, wait, signal, imported } = request;
    const lock = await this.#lock("write", what, wait ?? 0, signal);
    try {
      this.#form.beforeWrite?.();
      const documents = this.#settled();
      removeAbandonedDrafts(this.#layout, this.identity.id, documents.unfinished);
      const { id, folder } = request.claim();
      return new LocalDraft({
        id,
        folder,
        forms: this.#form.stored,
        newBody: ({ staging }) => {
          const { backups } = documents;
          return this.#form.newBody({ id, folder, staging, isImport: imported !== undefined, backups, doubts: doubtsOf(this.#layout) });
        },
        publish: async (body, draft) => await this.#publish(id, body, draft, imported),
        release: () => lock[Symbol.dispose](),
      });
    } catch (error) {
      lock[Symbol.dispose]();
      throw namedSystemError(error, "begin a backup");
    }
  }

  async #publish(id: BackupId, body: ManifestBody, draft: FinishedDraft, imported: Imported | undefined): Promise<BackupHead> {
    const form = this.#form.writes;
    const { nextSequence: sequence, newest: previous } = checkChain(this.#documents.read());
    const { bytes, sha256, manifest } = manifestOf(body, draft, { id, vault: this.identity.id, sequence, previous, imported });
    // Left by an earlier backup of the same id that is gone for good.
    for (const kind of MARK_KINDS) removeFile(this.#layout.mark(id, kind));
    await publishBackup(this.#layout, await draft.seal(bytes), id, form, draft.guard);
    noteNewest(this.#layout, sequence);
    return { id, manifest, manifestSha256: sha256, marks: {}, form: form.name, location: this.#layout.backup(id, form.name) };
  }

  async open(id: BackupId): Promise<BackupReader> {
    return await this.#reading(`open backup "${id}"`, (release) => {
      for (let looks = 1; ; looks += 1) {
        const { head, path, form } = this.#find(id);
        try {
          return form.open(path, { head, foreign: false, release });
        } catch (error) {
          // A removal waits for no reader: what went between the look and the opening is not damaged, and the next look says so.
          if (looks === LOOKS || lstatAt(path) !== undefined) throw error;
        }
      }
    });
  }

  async readBack(): Promise<ReadBack | undefined> {
    const form = this.#form;
    if (form.readBack === undefined) return undefined;
    return await this.#reading("read the vault back", (release) =>
      form.readBack?.({
        backups: this.#documents.read().backups,
        verdicts: packVerdictsOf(this.#layout),
        now: () => this.clock.now(),
        find: (id) => this.#find(id),
        release,
      }),
    );
  }

  lookAtPacks(ids: readonly BackupId[]): ReturnType<NonNullable<Vault["lookAtPacks"]>> {
    return Promise.resolve(this.#form.lookAtPacks?.(ids.map((id) => ({ id, path: this.#layout.backup(id, this.#form.writes.name) }))));
  }

  async #reading<T>(what: string, begin: (release: () => void) => T): Promise<T> {
    const lock = await this.#lock("shared", "a reader", PATIENCE, undefined);
    try {
      return begin(() => lock[Symbol.dispose]());
    } catch (error) {
      lock[Symbol.dispose]();
      throw namedSystemError(error, what);
    }
  }

  async setMark<K extends MarkKind>(id: BackupId, kind: K, mark: NonNullable<Marks[K]> | null): Promise<void> {
    this.#find(id);
    writeMark(this.#layout, id, kind, mark);
  }

  async remove(ids: readonly BackupId[], reason: string, time: number, reasons?: ReadonlyMap<string, string>): Promise<void> {
    using _ = await this.#lock("write", "a removal", PATIENCE, undefined);
    removeBackups(this.#layout, this.#settled(this.#documents.recent()), {
      ids,
      reason,
      time,
      ...(reasons === undefined ? {} : { reasons }),
    });
  }

  async removeDamaged(name: string, reason: string, time: number): Promise<void> {
    using _ = await this.#lock("write", "a removal", PATIENCE, undefined);
    removeDamaged(this.#layout, this.#settled(), name, reason, time);
  }

  async undelete(id: BackupId, time: number): Promise<void> {
    using _ = await this.#lock("write", "an undelete", PATIENCE, undefined);
    undeleteBackup(this.#layout, this.#settled(), id, time);
  }

  /**
   * Deletes what lies in the trash for good and gives its ids. Waits for nobody.
   * @throws BusyError VAULT_BUSY when somebody reads or writes: leave it for the next run
   */
  async sweepTrash(): Promise<readonly BackupId[]> {
    let swept: readonly BackupId[];
    {
      using _ = await this.#lock("exclusive", "a sweep of the trash", 0, undefined);
      const documents = this.#settled(this.#documents.recent());
      swept = await setTrashAside(this.#layout, documents);
      const left = swept.length === 0 ? documents : this.#documents.read();
      await this.#form.afterSweep?.(left);
      await summarizeRecords(this.#layout, left, this.clock.now());
    }
    deleteAside(this.#layout);
    return swept;
  }

  freed(ids: readonly BackupId[]): Promise<Freed> {
    const gone = new Set(ids);
    for (let looks = 1; ; looks += 1) {
      const { backups, trash, damagedBackups } = looks === 1 ? this.#documents.recent() : this.#documents.read();
      const heldBy = this.#form.freed === undefined ? [] : damagedBackups.map(({ name, problem }) => ({ name, problem }));
      const going = backups.filter(({ id }) => gone.has(id));
      const staying = [...backups.filter(({ id }) => !gone.has(id)), ...trash];
      if (going.length === 0 || heldBy.length > 0) return Promise.resolve({ bytes: 0, heldBy });
      try {
        const own = (): number => going.reduce((sum, { manifest }) => sum + manifest.stored_bytes, 0);
        return Promise.resolve({ bytes: this.#form.freed?.(going, staying) ?? own(), heldBy });
      } catch (error) {
        // Nobody is kept away meanwhile: what went to the trash, or came back, is not damaged, and the next look says where it is.
        if (looks === LOOKS || [...going, ...staying].every(({ path }) => lstatAt(path) !== undefined)) throw error;
      }
    }
  }

  /** The stored manifest as bytes, for an export. */
  manifestBytes(id: BackupId): Pick<StoredManifest, "bytes"> & { readonly path: string; readonly form: StoredForm["name"] } {
    const { path, form, stored } = this.#find(id);
    return { bytes: stored.bytes, path, form: form.name };
  }

  #find(id: BackupId): { readonly head: BackupHead; readonly path: string; readonly form: StoredForm; readonly stored: StoredManifest } {
    for (const form of this.#form.stored) {
      const path = this.#layout.backup(id, form.name);
      const stored = readHeadIfThere(form, path, id);
      if (stored === undefined) continue;
      const { manifest, sha256 } = stored;
      if (manifest.vault !== this.identity.id) break;
      const marks = readMarks(this.#layout, []).get(id) ?? {};
      return { head: { id, manifest, manifestSha256: sha256, marks, form: form.name, location: path }, path, form, stored };
    }
    throw new NotFoundError("BACKUP_NOT_FOUND", `There is no backup "${id}"`, { hint: "List them with: holdfast backup list" });
  }

  /** Under a lock that keeps other writers away: what a crash cut off is done first. */
  #settled(documents: Documents = this.#documents.read()): Documents {
    return settleRecords(this.#layout, documents) ? this.#documents.read() : documents;
  }

  async #lock(mode: HeldLock["mode"], what: string, wait: number, signal: AbortSignal | undefined): Promise<HeldLock> {
    return await lockVault(this.#layout, { mode, what, wait, ...(signal === undefined ? {} : { signal }) });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
