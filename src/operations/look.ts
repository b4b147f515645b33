import ignore from "ignore";
import { NotFoundError } from "../kernel/index.ts";
import type { BackupHead, Entry } from "../vault/index.ts";
import { findBackup } from "./find-backup.ts";
import type { Instance } from "./instance.ts";
import { logicalPath } from "./restore.ts";

export interface LookedAt {
  /** `component/path`. */
  readonly path: string;
  readonly entry: Entry;
}

/** "memory/notes/" to "memory/notes"; "." and "/" to the top. */
function normalise(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

/** What lies at a path of a backup: the thing itself, or, for a folder, what is in it (one level unless `recursive`). */
export async function ls(
  instance: Instance,
  reference: string,
  path: string,
  recursive: boolean,
): Promise<{ readonly head: BackupHead; readonly entries: readonly LookedAt[] }> {
  await using vault = await instance.openVault();
  const head = await findBackup(vault, reference);
  await using reader = await vault.open(head.id);
  const top = normalise(path);
  const entries: LookedAt[] = [];
  let found = top === "";
  for await (const entry of reader.entries()) {
    const at = logicalPath(entry);
    if (at === top) {
      found = true;
      if (entry.type !== "directory") entries.push({ path: at, entry });
      continue;
    }
    if (top !== "" && !at.startsWith(`${top}/`)) continue;
    found = true;
    const below = top === "" ? at : at.slice(top.length + 1);
    const level =
      top === "" && entry.path !== "." && head.manifest.component_details[entry.component]?.source !== "tree" ? 1 : below.split("/").length;
    if (recursive || level === 1) entries.push({ path: at, entry });
  }
  if (!found) throw nothingAt(head, path);
  return { head, entries };
}

function nothingAt(head: BackupHead, path: string): NotFoundError {
  return new NotFoundError("PATH_NOT_FOUND", `Backup "${head.id}" holds nothing at "${path}"`, {
    hint: `Look with: holdfast ls ${head.id}`,
  });
}

/** Gives one file's bytes to `write`, checked against its hash. A component of one file may be named by itself. */
export async function cat(instance: Instance, reference: string, path: string, write: (chunk: Uint8Array) => Promise<void>): Promise<void> {
  await using vault = await instance.openVault();
  const head = await findBackup(vault, reference);
  await using reader = await vault.open(head.id);
  const wanted = normalise(path);
  let target: Entry | undefined;
  for await (const entry of reader.entries()) {
    const alone = entry.component === wanted && head.manifest.component_details[wanted]?.source !== "tree";
    if (logicalPath(entry) === wanted || alone) target = entry;
  }
  if (target === undefined) throw nothingAt(head, path);
  if (target.type !== "file") {
    throw new NotFoundError(
      "PATH_NOT_FOUND",
      `"${path}" is a ${target.type === "symlink" ? `link to "${target.target}"` : "folder"}, not a file`,
      {
        hint: `Look with: holdfast ls ${head.id} ${path}`,
      },
    );
  }
  const { component } = target;
  const source = target.hard_link ?? target.path;
  const isSource = (entry: Entry): boolean => entry.component === component && entry.path === source;
  for await (const { entry, content } of reader.read({ select: isSource })) {
    if (!isSource(entry)) continue;
    for await (const chunk of content ?? []) await write(chunk);
  }
}

export interface Found extends LookedAt {
  readonly backup: string;
}

/** Searches the paths of every backup, newest first, with a gitignore pattern over `component/path`. */
export async function find(instance: Instance, glob: string): Promise<readonly Found[]> {
  await using vault = await instance.openVault();
  const matcher = ignore({ ignorecase: false }).add(glob);
  const found: Found[] = [];
  for (const head of (await vault.list()).backups) {
    await using reader = await vault.open(head.id);
    for await (const entry of reader.entries()) {
      const path = logicalPath(entry);
      if (matcher.ignores(path) && entry.type !== "directory") found.push({ backup: head.id, path, entry });
    }
  }
  return found;
}
