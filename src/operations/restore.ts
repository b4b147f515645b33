import ignore from "ignore";
import { resolve } from "node:path";
import { nearest, NotFoundError } from "../kernel/index.ts";
import { restoreTo, type RestoredTo } from "../restore/index.ts";
import type { BackupHead, Entry, Manifest } from "../vault/index.ts";
import { findBackup } from "./find-backup.ts";
import type { Instance } from "./instance.ts";

export interface RestoreOptions {
  /** Folder to restore into; empty or not there yet. */
  readonly to: string;
  readonly components?: readonly string[];
  /** gitignore patterns over `component/path`. */
  readonly paths?: readonly string[];
  readonly owner?: "recorded" | "current";
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/** Restores a backup into another folder; nothing live is touched. */
export async function restore(
  instance: Instance,
  reference: string,
  options: RestoreOptions,
): Promise<{ readonly head: BackupHead; readonly restored: RestoredTo }> {
  await using vault = await instance.openVault();
  const head = await findBackup(vault, reference);
  const select = selection(head.manifest, options);
  await using reader = await vault.open(head.id);
  const restored = await restoreTo({
    reader,
    folder: resolve(options.to),
    owner: options.owner ?? "recorded",
    ...(select === undefined ? {} : { select }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.onBytes === undefined ? {} : { onBytes: options.onBytes }),
  });
  if (restored.entries === 0) {
    throw new NotFoundError("PATH_NOT_FOUND", `Backup "${head.id}" holds nothing at ${JSON.stringify(options.paths)}`, {
      hint: `Look with: holdfast ls ${head.id}`,
    });
  }
  return { head, restored };
}

function selection(manifest: Manifest, { components, paths }: RestoreOptions): ((entry: Entry) => boolean) | undefined {
  for (const name of components ?? []) {
    if (manifest.components.includes(name)) continue;
    const near = nearest(name, manifest.components);
    throw new NotFoundError("COMPONENT_NOT_FOUND", `Backup "${manifest.id}" holds no component "${name}"`, {
      hint: near === undefined ? `It holds: ${manifest.components.join(", ")}` : `Did you mean "${near}"?`,
    });
  }
  if (components === undefined && paths === undefined) return undefined;
  const globs = paths === undefined ? undefined : ignore({ ignorecase: false }).add([...paths]);
  return (entry) =>
    (components === undefined || components.includes(entry.component)) && (globs === undefined || globs.ignores(logicalPath(entry)));
}

/** `component/path`; the root of a tree is the component alone. */
export function logicalPath(entry: Pick<Entry, "component" | "path">): string {
  return entry.path === "." ? entry.component : `${entry.component}/${entry.path}`;
}
