import { join } from "node:path";
import { storeReading, type Body, type DraftBody, type NewBody, type StoredForm, type VaultForm } from "../local-vault/index.ts";
import { MANIFEST_NAME, openFile } from "../vault/index.ts";
import { EntriesFile } from "./entries-file.ts";
import { PlainBody } from "./plain/plain-body.ts";
import { PlainReader } from "./plain/plain-reader.ts";
import { readFromArchive, readFromFolder } from "./read-manifest.ts";
import { TarGzBody } from "./targz/targz-body.ts";
import { TarGzReader } from "./targz/targz-reader.ts";

const FOLDER: StoredForm = {
  name: "directory",
  suffix: "",
  isFolder: true,
  draftNames: ["content", "entries.jsonl"],
  besideNames: [],
  headOf: (path) => join(path, MANIFEST_NAME),
  readManifest: readFromFolder,
  open: (path, parts) => new PlainReader(path, parts),
};

const TAR_GZ: StoredForm = {
  name: "tar.gz",
  suffix: ".tar.gz",
  isFolder: false,
  draftNames: ["archive.tar.gz", "body.gz", "entries.jsonl"],
  besideNames: [],
  headOf: (path) => path,
  readManifest: readFromArchive,
  open: (path, parts) => new TarGzReader(openFile(path), parts),
};

/** Both lie side by side in one vault. */
export const ARCHIVE_FORMS: readonly StoredForm[] = [TAR_GZ, FOLDER];

/** @param compression new backups become .tar.gz files; otherwise folders. Both are read. */
export function archiveForm(compression: boolean): VaultForm {
  return {
    name: "archive",
    stored: ARCHIVE_FORMS,
    writes: compression ? TAR_GZ : FOLDER,
    newBody: (request) => archiveBody(request, compression),
  };
}

/** Contents in one of the two forms, and the list of entries beside them. */
function archiveBody({ folder, staging }: NewBody, compression: boolean): DraftBody {
  const entries = new EntriesFile(join(folder, "entries.jsonl"));
  const body: Body & Pick<PlainBody, "finish" | "seal"> = compression ? new TarGzBody(folder) : new PlainBody(join(folder, "content"));
  return {
    store: (request) => storeReading(request, { body, entries, staging }),
    interrupt: () => body.interrupt(),
    finish: async () => ({ ...entries.finish(), storedBytes: await body.finish() }),
    seal: async (manifest) => ({ path: await body.seal({ manifest, entriesFile: entries.path }), flushed: false }),
    [Symbol.asyncDispose]: async () => {
      await body[Symbol.asyncDispose]();
      entries[Symbol.dispose]();
    },
  };
}
