import { createHash } from "node:crypto";
import { crashpoint, DamageError, errnoOf, namedSystemError, NotFoundError } from "../kernel/index.ts";
import { openFile, parseManifest, type BackupHead, type OpenedFile, type Vault } from "../vault/index.ts";
import { asLocalVault, readStored, StoredReading } from "../local-vault/index.ts";
import { beginsMember, MEMBER_HEADER } from "./targz/gzip-member.ts";
import { readManifestBytes } from "./targz/read-manifest.ts";
import { TarGzReader } from "./targz/targz-reader.ts";

/**
 * Takes a portable archive into the vault under its own id. It is hostile until proved: every byte is read and compared
 * before the backup is listed, and it is written anew by our own writer, so that nothing of the file itself remains.
 * It gets the next number of this vault's chain; where it stood before is kept as `imported_from`.
 *
 * @throws ConflictError FILE_EXISTS when the id is taken · DamageError BACKUP_DAMAGED, ARCHIVE_HOSTILE, MANIFEST_INVALID
 */
export async function importArchive(vault: Vault, path: string, options: { readonly signal?: AbortSignal } = {}): Promise<BackupHead> {
  const archive = asLocalVault(vault);
  const file = open(path);
  let head: BackupHead;
  try {
    refuseForeign(file, path);
    const { bytes } = readManifestBytes(file.descriptor);
    const manifest = parseManifest(bytes);
    head = {
      id: manifest.id,
      manifest,
      manifestSha256: createHash("sha256").update(bytes).digest("hex"),
      marks: {},
      form: "tar.gz",
      location: path,
    };
  } catch (error) {
    file[Symbol.dispose]();
    throw namedSystemError(error, `import "${path}"`);
  }
  await using reader = new TarGzReader(file, { head, foreign: true, release: () => {} });
  const { manifest } = head;
  const origin = { vault: manifest.vault, instance: manifest.instance, sequence: manifest.sequence, manifest_sha256: head.manifestSha256 };
  await using draft = await archive.beginImport(head.id, { origin, checksum: manifest.checksum }, options);
  await using archived = new StoredReading(reader, draft.staging, options.signal);
  for await (const { component, storedAs, reading } of archived.components()) {
    await draft.store({ component, storedAs, reading, ...(options.signal === undefined ? {} : { signal: options.signal }) });
  }
  crashpoint("import-before-publish");
  return await draft.commit(manifest);
}

/** To call another file damaged would send its owner to look for a better copy of it. */
function refuseForeign({ descriptor }: OpenedFile, path: string): void {
  const header = Buffer.alloc(MEMBER_HEADER);
  if (beginsMember(header.subarray(0, readStored(descriptor, header, 0)))) return;
  throw new DamageError("BACKUP_DAMAGED", `"${path}" is no export of Holdfast: it does not begin as one`, {
    hint: "Give the path of what `holdfast export` wrote, as it was written",
  });
}

function open(path: string): OpenedFile {
  try {
    return openFile(path);
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT")
      throw new NotFoundError("PATH_NOT_FOUND", `There is no file "${path}"`, {
        cause,
        hint: "Give the path of what holdfast export wrote",
      });
    throw namedSystemError(cause, `open "${path}"`);
  }
}
