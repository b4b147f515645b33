import { randomBytes } from "node:crypto";
import { closeSync, constants, copyFileSync, existsSync, fsyncSync, linkSync, mkdtempSync, openSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ConflictError, crashpoint, errnoOf, namedSystemError, syncFolder } from "../kernel/index.ts";
import { openFile, type BackupHead, type BackupId, type BackupReader, type Vault } from "../vault/index.ts";
import { asLocalVault, storeReading, StoredReading } from "../local-vault/index.ts";
import { EntriesFile } from "./entries-file.ts";
import { TarGzBody } from "./targz/targz-body.ts";
import { sealArchive } from "./targz/seal-archive.ts";
import { TarGzReader } from "./targz/targz-reader.ts";

/**
 * Writes one backup as a .tar.gz in the vault's own layout, with the very same manifest, and reads the result back before
 * it gets its name.
 *
 * @throws ConflictError FILE_EXISTS · DamageError when the backup does not read back
 */
export async function exportBackup(
  vault: Vault,
  id: BackupId,
  outFile: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<{ readonly bytes: number }> {
  const archive = asLocalVault(vault);
  if (existsSync(outFile)) throw fileExists(outFile);
  const temporary = join(dirname(outFile), `.${basename(outFile).slice(0, 200)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    // Open meanwhile, so that no sweep takes it away.
    await using reader = await archive.open(id);
    const { bytes: manifest, path, form } = archive.manifestBytes(id);
    if (form === "tar.gz") copyFileSync(path, temporary, constants.COPYFILE_EXCL);
    else await pack(reader, manifest, temporary, options.signal);
    const bytes = await readBack(temporary, reader.head, options.signal);
    flush(temporary);
    crashpoint("export-before-publish");
    publish(temporary, outFile);
    syncFolder(dirname(outFile));
    return { bytes };
  } catch (error) {
    if (errnoOf(error) === "EEXIST") throw fileExists(outFile, error);
    throw namedSystemError(error, `export "${id}" to "${outFile}"`);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** A folder becomes an archive: every byte is compared with the manifest while it is packed. */
async function pack(reader: BackupReader, manifest: Buffer, file: string, signal: AbortSignal | undefined): Promise<void> {
  const work = mkdtempSync(`${file}.`);
  try {
    await using body = new TarGzBody(work);
    using entries = new EntriesFile(join(work, "entries.jsonl"));
    await using archived = new StoredReading(reader, work, signal);
    for await (const { component, storedAs, reading } of archived.components()) {
      await storeReading({ component, storedAs, reading, ...(signal === undefined ? {} : { signal }) }, { body, entries, staging: work });
    }
    archived.mustEqual(entries.finish().checksum);
    await body.finish();
    await sealArchive(file, { manifest, entriesFile: entries.path, bodyFile: join(work, "body.gz") });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function readBack(path: string, head: BackupHead, signal: AbortSignal | undefined): Promise<number> {
  const file = openFile(path);
  const bytes = Number(file.stats.size);
  await using reader = new TarGzReader(file, { head, foreign: false, release: () => {} });
  for await (const { content } of reader.read(signal === undefined ? {} : { signal })) for await (const _ of content ?? []) continue;
  return bytes;
}

/** A second name is refused when the name is taken; on file systems without hard links (a memory stick) a rename has to do. */
function publish(temporary: string, outFile: string): void {
  try {
    linkSync(temporary, outFile);
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP"].includes(errnoOf(error) ?? "")) throw error;
    if (existsSync(outFile)) throw fileExists(outFile, error);
    renameSync(temporary, outFile);
  }
}

function flush(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function fileExists(path: string, cause?: unknown): ConflictError {
  return new ConflictError("FILE_EXISTS", `"${path}" exists already and is not overwritten`, {
    cause,
    hint: "Give another name, or remove it first",
  });
}
