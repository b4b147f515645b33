import ignore from "ignore";
import { rmdirSync } from "node:fs";
import { resolve } from "node:path";
import { addHint, DamageError, lstatAt, nearest, NotFoundError } from "../kernel/index.ts";
import { restoreTo, unfinishedIn, type RestoredTo } from "../restore/index.ts";
import type { BackupHead, Entry, Manifest } from "../vault/index.ts";
import { findToRestore } from "./find-backup.ts";
import type { Instance } from "./instance.ts";
import { refuseOwnFolders } from "./own-folders.ts";

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
): Promise<{ readonly head: BackupHead; readonly restored: RestoredTo; readonly warnings: readonly string[] }> {
  const folder = resolve(options.to);
  refuseOwnFolders(folder, instance.config);
  const there = lstatAt(folder) !== undefined;
  await using vault = await instance.openVault();
  const { head, warnings } = await findToRestore(vault, reference);
  const select = selection(head.manifest, options);
  await using reader = await vault.open(head.id);
  const request = {
    reader,
    folder,
    owner: options.owner ?? "recorded",
    ...(select === undefined ? {} : { select }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.onBytes === undefined ? {} : { onBytes: options.onBytes }),
  };
  const restored = await restoreTo(request).catch((error: unknown) => {
    throw error instanceof DamageError ? addHint(error, waysAround(head, folder)) : error;
  });
  if (restored.entries === 0) {
    if (!there) rmdirSync(folder);
    throw new NotFoundError("PATH_NOT_FOUND", `Backup "${head.id}" holds nothing at ${JSON.stringify(options.paths)}`, {
      hint: `Look with: holdfast ls ${head.id}`,
    });
  }
  return { head, restored, warnings };
}

/** Damage is seldom everywhere. */
function waysAround({ form }: BackupHead, folder: string): string {
  const unfinished = unfinishedIn(folder);
  const left = unfinished === undefined ? "" : `what was written until then lies in "${unfinished}"; `;
  const rescue = form === "repository" ? ", or with tools/rescue.mjs, by its --component and --partial" : "";
  return `${left}what is whole of this one may come back with --path or --component${rescue}`;
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
