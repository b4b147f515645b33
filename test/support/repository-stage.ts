import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { LocalVault } from "../../src/local-vault/index.ts";
import { openRepositoryVault, type OpenRepositoryVaultOptions } from "../../src/repository/index.ts";
import { openReading } from "../../src/sources/index.ts";
import type { Reading, BackupHead, Draft, ManifestBody, SqliteDetails, StoredComponent } from "../../src/vault/index.ts";
import { testPlace } from "./source-place.ts";
import { temporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";

/**
 * A vault in repository form beside a folder of live state. Backups are taken as in life, an hour apart by a clock that is
 * ahead of the files: what was written before a backup is old enough to be believed at the next one.
 */
export class RepositoryStage implements AsyncDisposable {
  readonly folder: TemporaryFolder = temporaryFolder();
  readonly path: string = this.folder.join("vault");
  readonly cacheFolder: string = this.folder.join("cache");
  #now = Date.now();
  #newest: BackupHead | undefined;
  readonly #more: Partial<OpenRepositoryVaultOptions>;

  constructor(more: Partial<OpenRepositoryVaultOptions> = {}) {
    this.#more = more;
  }

  join(...names: string[]): string {
    return this.folder.join(...names);
  }

  async open(): Promise<LocalVault> {
    return await openRepositoryVault({
      path: this.path,
      instance: { name: "contract" },
      secrets: [{ kind: "none" }],
      cacheFolder: this.cacheFolder,
      create: true,
      clock: { now: () => this.#now },
      ...this.#more,
    });
  }

  pass(hours: number): void {
    this.#now += hours * 3_600_000;
  }

  /** Takes a backup of files and folders, each a component of its name. */
  async take(...components: readonly string[]): Promise<BackupHead> {
    this.pass(1);
    await using vault = await this.open();
    await using draft = await vault.begin({ trigger: "manual", time: this.#now });
    const details: Record<string, ManifestBody["component_details"][string]> = {};
    for (const component of components) {
      using place = testPlace();
      const before = this.#newest?.manifest.component_details[component];
      const known = draft.known?.(component);
      const databases: Record<string, SqliteDetails> = {
        ...before?.databases,
        ...(before?.sqlite === undefined ? {} : { [component]: before.sqlite }),
      };
      const request = {
        path: this.join(component),
        staging: draft.staging,
        now: this.#now,
        known,
        quickCheckBefore: new Map(Object.entries(databases)),
      };
      const reading = await openReading(place.request(request));
      try {
        const { bytes, entries, changed } = await draft.store({ component, storedAs: component, reading });
        details[component] = { ...reading.report(), stored_as: component, bytes, entries, changed, whole: true, importance: "critical" };
      } finally {
        await reading.close();
      }
    }
    return await this.commit(draft, details);
  }

  /** Commits what was stored, under the time of the stage. */
  async commit(draft: Draft, details: ManifestBody["component_details"]): Promise<BackupHead> {
    const instant = `${new Date(this.#now).toISOString().slice(0, 19)}Z`;
    this.#newest = await draft.commit({
      holdfast_version: "0.0.0",
      instance: "contract",
      timestamp: instant,
      finished_at: instant,
      trigger: "manual",
      tags: [],
      components: Object.keys(details),
      not_captured: {},
      db_schema_version: null,
      component_details: details,
      runtime: null,
      host: "contract",
    });
    return this.#newest;
  }

  /** A backup an hour later, to be stored to. */
  async begin(vault: LocalVault): Promise<Draft> {
    this.pass(1);
    return await vault.begin({ trigger: "manual", time: this.#now });
  }

  /** Stores one component of it. @param more in place of what the reading has of its own */
  async store(draft: Draft, component: string, more: Partial<Reading> = {}): Promise<StoredComponent> {
    using place = testPlace();
    const request = { path: this.join(component), staging: draft.staging, now: this.#now, known: draft.known?.(component) };
    const reading = await openReading(place.request(request));
    try {
      return await draft.store({ component, storedAs: component, reading: { ...reading, ...more } });
    } finally {
      await reading.close();
    }
  }

  /** Begins a backup of one component, which is given up when the signal says so: it must be before its end. */
  async giveUp(component: string, signal: AbortSignal): Promise<void> {
    this.pass(1);
    await using vault = await this.open();
    await using draft = await vault.begin({ trigger: "manual", time: this.#now });
    using place = testPlace();
    const path = this.join(component);
    const reading = await openReading(place.request({ path, staging: draft.staging, now: this.#now, known: draft.known?.(component) }));
    try {
      await draft.store({ component, storedAs: component, reading, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      return;
    } finally {
      await reading.close();
    }
    throw new Error(`"${component}" was stored before it was given up`);
  }

  /** Contents of a backup, by `component/path`. */
  async contents(id: BackupHead["id"]): Promise<Map<string, Buffer>> {
    await using vault = await this.open();
    await using reader = await vault.open(id);
    const found = new Map<string, Buffer>();
    for await (const { entry, content } of reader.read()) {
      if (content === undefined) continue;
      const pieces: Buffer[] = [];
      for await (const piece of content) pieces.push(Buffer.from(piece));
      found.set(`${entry.component}/${entry.path}`, Buffer.concat(pieces));
    }
    return found;
  }

  /** Removes backups for good, and the packs that nothing else names. */
  async forget(...ids: readonly BackupHead["id"][]): Promise<void> {
    await using vault = await this.open();
    await vault.remove(ids, "test", this.#now);
    await vault.sweepTrash();
  }

  packs(): readonly string[] {
    return readdirSync(join(this.path, "packs"), { recursive: true, withFileTypes: true })
      .filter((found) => found.isFile())
      .map((found) => join(found.parentPath, found.name));
  }

  packBytes(): number {
    return this.packs().reduce((sum, pack) => sum + statSync(pack).size, 0);
  }

  loseCache(): void {
    rmSync(this.cacheFolder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.folder[Symbol.dispose]();
    return Promise.resolve();
  }
}
