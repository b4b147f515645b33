import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { crashpoint, HoldfastError, lstatAt, namedSystemError } from "../kernel/index.ts";
import { ENTRIES_NAME, MANIFEST_NAME, type ComponentDetails, type Draft, type KnownState } from "../vault/index.ts";
import { hasLargeFiles } from "./capture-unit.ts";
import { describeComponent } from "./describe-component.ts";
import { openComponent, type OpenComponent } from "./open-component.ts";
import type { ReadyComponent } from "./preflight.ts";
import type { TakeBackupRequest } from "./take-backup-request.ts";
import { watchReading, type WatchedReading } from "./watched-reading.ts";

export interface ComponentStoreOptions {
  readonly draft: Draft;
  /** Where each component lies in the backup. */
  readonly storedAs: ReadonlyMap<string, string>;
  /** When the backup began. */
  readonly started: number;
  /** Bytes of all components as the last backup knew them; null where none did. */
  readonly expected: number | null;
}

/** Opens components and stores what is read of them, and tells how far the backup is. */
export class ComponentStore {
  /** By name, of what was stored. */
  readonly details: Map<string, ComponentDetails> = new Map();
  schemaVersion: number | null = null;
  #bytes = 0;
  readonly #request: TakeBackupRequest;
  readonly #draft: Draft;
  readonly #storedAs: ReadonlyMap<string, string>;
  readonly #started: number;
  readonly #expected: number | null;

  constructor(request: TakeBackupRequest, { draft, storedAs, started, expected }: ComponentStoreOptions) {
    this.#request = request;
    this.#draft = draft;
    this.#storedAs = storedAs;
    this.#started = started;
    this.#expected = expected;
  }

  /** Whether components may be stored side by side. */
  get storesSeveral(): boolean {
    return this.#draft.storesSeveral === true;
  }

  async open({ plan, kind, newestGood }: ReadyComponent, how: Pick<OpenComponent, "cut" | "raw" | "read">): Promise<WatchedReading> {
    const before = newestGood?.manifest.component_details[plan.name];
    const staging = join(this.#draft.staging, plan.name);
    // Of this run alone: it need not survive a power cut.
    if (lstatAt(staging) === undefined) mkdirSync(staging, { mode: 0o700 });
    const { avoid, programs, schemaVersion, signal } = this.#request;
    // A schema that is asked by a query is asked of a copy.
    const query = schemaVersion.component === plan.name ? schemaVersion.query : null;
    const may = !how.cut && how.raw === false && query === null ? this.#draft.known?.(plan.name) : undefined;
    // Another process may have taken one since the vault was listed, and clocks are set back: two backups are never mixed.
    const known = may === undefined || may.manifestSha256 === newestGood?.manifestSha256 ? may : nothingKnown(may);
    const reading = await openComponent({ plan, kind, before, staging, programs, avoid, ...how, signal, now: this.#started, known });
    return watchReading(reading, {
      component: plan.name,
      previousBytes: before?.bytes,
      salvage: this.#request.salvage === true,
      schemaQuery: query,
    });
  }

  /** @param trouble Why the copy must not be taken for a good one, although it was had */
  async store(component: ReadyComponent, reading: WatchedReading, trouble?: string): Promise<void> {
    const { plan, kind, importance } = component;
    const { signal } = this.#request;
    let counted = 0;
    try {
      // A database that is kept raw needs a folder for its sidecars.
      const storedAs = kind !== "tree" && reading.report().source === "tree" ? this.#rawFolder(plan.name) : this.#storedAs.get(plan.name);
      if (storedAs === undefined) throw new TypeError(`no place for component ${plan.name}`);
      // A program may take its time before its first byte.
      this.tell("capture", plan.name);
      const stored = await this.#draft.store({
        component: plan.name,
        storedAs,
        reading,
        few: hasLargeFiles([component]),
        ...(signal === undefined ? {} : { signal }),
        onBytes: (bytes) => {
          counted += bytes;
          this.#bytes += bytes;
          this.tell("capture", plan.name);
        },
      });
      const details = describeComponent(component, stored, reading, { storedAs, trouble });
      this.details.set(plan.name, details);
      if (plan.name === this.#request.schemaVersion.component)
        this.schemaVersion = this.#request.schemaVersion.query === null ? (details.sqlite?.user_version ?? null) : reading.schemaVersion();
      crashpoint("backup-component-stored");
    } catch (error) {
      this.#bytes -= counted;
      throw error instanceof HoldfastError ? error : namedSystemError(error, `store component "${plan.name}" (${importance})`);
    } finally {
      await reading.close();
    }
  }

  /** A folder that no other component has, for what was to be one file. */
  #rawFolder(name: string): string {
    const others = [...this.#storedAs].flatMap(([other, place]) => (other === name ? [] : [place.split("/")[0]?.toLowerCase()]));
    const taken = new Set([MANIFEST_NAME, ENTRIES_NAME, ...others]);
    let folder = name;
    while (taken.has(folder.toLowerCase())) folder += "-raw";
    return folder;
  }

  /** Calls onProgress. */
  tell(phase: "pause" | "capture" | "commit", component: string | null): void {
    this.#request.onProgress?.({ phase, component, bytes: this.#bytes, expected: this.#expected });
  }
}

/** What of this component is for the next backup is kept all the same. */
function nothingKnown(known: KnownState): KnownState {
  return {
    manifestSha256: undefined,
    memory: undefined,
    newRecords: () => known.newRecords(),
    whole: false,
    isDatabaseSame: () => false,
    hasDatabase: () => false,
  };
}
