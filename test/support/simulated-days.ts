import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { LocalVault } from "../../src/local-vault/index.ts";
import { openRepositoryVault } from "../../src/repository/index.ts";
import { openKeys } from "../../src/repository/keys/open-keys.ts";
import { readBackupFile } from "../../src/repository/manifest/backup-file.ts";
import { planRetention, type RetentionPolicy } from "../../src/retention/index.ts";
import { storeAll } from "../../src/testing/index.ts";
import type { BackupId } from "../../src/vault/index.ts";
import { SimulatedState, type Pieces } from "./simulated-state.ts";
import { temporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";

const DAY = 86_400_000;
/** The state of a few thousand pages is as many packs as one of a gigabyte is of those in life. */
const SIZES = { full: 1024 * 1024, small: 256 * 1024 };

/** The newest of each of thirty days, twelve weeks and twelve months. */
const POLICY: RetentionPolicy = {
  maxCount: 1,
  maxAgeDays: 1,
  hourly: 0,
  daily: 30,
  weekly: 12,
  monthly: 12,
  yearly: 0,
  keepTags: [],
  timezone: "UTC",
};

/** What a day's backup, and the prune after it, have left. Bytes. */
export interface SimulatedDay {
  readonly kept: number;
  /** Of everything in the vault: packs and manifests. */
  readonly vault: number;
  /** Of the contents that the kept backups name, each once. */
  readonly distinct: number;
  /** Of the contents that the newest names. */
  readonly live: number;
  /** Of contents that were stored although they were in the backup before. */
  readonly rebased: number;
}

interface Model {
  readonly pieces: Pieces;
  readonly hashes: ReadonlyMap<string, string>;
}

/** Days in the life of a vault in repository form, with a model of what each backup must hold. */
export class SimulatedDays implements Disposable {
  readonly #folder: TemporaryFolder = temporaryFolder();
  readonly #state: SimulatedState;
  readonly #models: Map<string, Model> = new Map();
  #day = 0;
  #packs: ReadonlySet<string> = new Set();

  constructor(pages: number, seed: number) {
    this.#state = new SimulatedState(this.#folder.join("state"), pages, seed);
  }

  /** A day's changes, its backup, and the prune after it. */
  async pass(): Promise<SimulatedDay> {
    this.#day += 1;
    if (this.#day > 1) this.#state.change();
    if (this.#day % 180 === 0) this.#state.rewrite();
    const changed = this.#state.takeChanged();
    await using vault = await this.#open();
    const id = await this.#backUp(vault);
    const { live, written } = this.#look(id, vault.identity.id);
    this.#models.set(id, { pieces: this.#state.pieces(), hashes: this.#state.hashes() });
    const { backups } = await vault.list();
    const going = planRetention(backups, POLICY, this.#now()).filter(({ keep }) => !keep);
    const ids = going.map((decision) => decision.id as BackupId);
    await vault.remove(ids, "retention", this.#now());
    await vault.sweepTrash();
    for (const gone of ids) this.#models.delete(gone);
    const distinct = new Map([...this.#models.values()].flatMap(({ pieces }) => [...pieces]));
    return { kept: this.#models.size, vault: this.#bytes(), distinct: sum(distinct.values()), live, rebased: written - changed };
  }

  /** Reads every backup that is kept, and gives those that hold anything else than they must. */
  async wrong(): Promise<readonly string[]> {
    await using vault = await this.#open();
    const listed = (await vault.list()).backups.map(({ id }) => id);
    const wrong = listed.filter((id) => !this.#models.has(id)).map((id) => `${id} was removed, and is there`);
    for (const [id, { hashes }] of this.#models) {
      const left = new Map(hashes);
      await using reader = await vault.open(id as BackupId);
      for await (const { entry, content } of reader.read()) {
        if (content === undefined) continue;
        const hash = createHash("sha256");
        for await (const piece of content) hash.update(piece);
        if (left.get(entry.path) !== hash.digest("hex")) wrong.push(`${entry.path} of ${id}`);
        left.delete(entry.path);
      }
      for (const path of left.keys()) wrong.push(`${path} of ${id} is missing`);
    }
    return wrong;
  }

  async #open(): Promise<LocalVault> {
    return await openRepositoryVault({
      path: this.#folder.join("vault"),
      instance: { name: "contract" },
      secrets: [{ kind: "none" }],
      cacheFolder: this.#folder.join("cache"),
      create: true,
      clock: { now: () => this.#now() },
      sizes: SIZES,
    });
  }

  /** Ahead of the files: what was written before a backup is old enough to be believed at the next one. */
  #now(): number {
    return Date.parse("2040-01-01T03:00:00Z") + this.#day * DAY;
  }

  async #backUp(vault: LocalVault): Promise<BackupId> {
    await using draft = await vault.begin({ trigger: "scheduled", time: this.#now() });
    draft.known?.("state");
    const { id } = await draft.commit(await storeAll(draft, { state: this.#state.reading() }, { time: this.#now(), trigger: "scheduled" }));
    return id;
  }

  /** Raw bytes of content that a backup uses, and of those packs that came with it. */
  #look(id: BackupId, vaultId: string): { readonly live: number; readonly written: number } {
    const folder = this.#folder.join("vault");
    const { packs } = readBackupFile(join(folder, `${id}.backup`), openKeys(folder, vaultId, []), ["packs"]);
    const fresh = packs.entries.filter(({ name }) => !this.#packs.has(name));
    this.#packs = new Set(packs.entries.map(({ name }) => name));
    return { live: sum(packs.entries.map(({ used }) => used)), written: sum(fresh.map(({ raw }) => raw)) };
  }

  #bytes(): number {
    const files = readdirSync(this.#folder.join("vault"), { recursive: true, withFileTypes: true }).filter((found) => found.isFile());
    return sum(
      files
        .filter(({ name, parentPath }) => name.endsWith(".backup") || parentPath.includes("packs"))
        .map(({ name, parentPath }) => statSync(join(parentPath, name)).size),
    );
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
