import { copyFileSync, lstatSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { LocalVault } from "../../src/local-vault/index.ts";
import { openReading } from "../../src/sources/index.ts";
import type { BackupId, ManifestBody, Reading } from "../../src/vault/index.ts";
import { testPlace } from "./source-place.ts";

export interface CorpusComponent {
  readonly reading: (staging: string) => Promise<Reading>;
  /** The name of the component unless it is given. */
  readonly storedAs?: string;
}

/** Stands still; backups say themselves when they are taken. */
export const CORPUS_CLOCK = { now: (): number => Date.parse("2026-03-15T14:30:00Z") };

/** One after another, a minute apart. A component that cannot be read is not captured, and the backup goes on without it. */
export async function takeCorpusBackup(
  vault: LocalVault,
  number: number,
  components: Readonly<Record<string, CorpusComponent>>,
): Promise<BackupId> {
  const time = CORPUS_CLOCK.now() + number * 60_000;
  const instant = `${new Date(time).toISOString().slice(0, 19)}Z`;
  await using draft = await vault.begin({ trigger: "manual", time });
  const details: Record<string, ManifestBody["component_details"][string]> = {};
  const missing: Record<string, ManifestBody["not_captured"][string]> = {};
  for (const [component, { reading: open, storedAs = component }] of Object.entries(components)) {
    const reading = await open(draft.staging);
    try {
      const { bytes, entries, changed } = await draft.store({ component, storedAs, reading });
      const own = { stored_as: storedAs, bytes, entries, changed, whole: true, importance: "critical" } as const;
      details[component] = { ...reading.report(), ...own };
    } catch (error) {
      missing[component] = { importance: "high", code: "COMPONENT_UNREADABLE", reason: String(error) };
    } finally {
      await reading.close();
    }
  }
  const head = await draft.commit({
    holdfast_version: "0.0.0",
    instance: "contract",
    timestamp: instant,
    finished_at: instant,
    trigger: "manual",
    tags: [],
    components: Object.keys(details),
    not_captured: missing,
    db_schema_version: null,
    component_details: details,
    runtime: null,
    host: "contract",
  });
  return head.id;
}

/** A folder as it is read in life. */
export function treeOf(path: string): CorpusComponent {
  return {
    reading: async (staging) => {
      using place = testPlace();
      return await openReading(place.request({ path, staging }));
    },
  };
}

/** A private copy of one file, which is what a source gives of a database. */
export function copyOf(path: string, { database }: { readonly database: boolean }): CorpusComponent {
  return {
    reading: (staging) => {
      const copy = join(staging, "copy");
      copyFileSync(path, copy);
      const { dev: device, ino: inode, size, mtimeNs } = lstatSync(copy, { bigint: true });
      const head = {
        path: "state.db",
        type: "file",
        mode: 0o640,
        uid: 0,
        gid: 0,
        mtime_ns: mtimeNs.toString(),
        size: Number(size),
      } as const;
      const span = { kind: "file", path: copy, device, inode, offset: 0, length: Number(size) } as const;
      return Promise.resolve({
        async *entries() {
          await Promise.resolve();
          yield {
            head: { ...head, ...(database ? { database } : {}) },
            content: { kind: "staged", spans: [span], movable: false },
          } as const;
        },
        confirm: () => Promise.resolve(),
        report: () => ({ source: database ? "sqlite" : "file", resolved_path: path, suspect: false, omissions: [], warnings: [] }),
        close: () => Promise.resolve(rmSync(copy, { force: true })),
      });
    },
  };
}

/** Reads a part and fails. */
export function failing(component: CorpusComponent): CorpusComponent {
  return {
    ...component,
    reading: async (staging) => ({
      ...(await component.reading(staging)),
      confirm: () => Promise.reject(new Error("It did not hold still")),
    }),
  };
}
