import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { InternalError, writeFully } from "../../kernel/index.ts";
import { ENTRIES_NAME, MANIFEST_NAME } from "../../vault/index.ts";
import { MemberWriter } from "./member-writer.ts";
import { tarOfDocument } from "./tar-of-entry.ts";
import { encodeTarEntry, padded, TAR_BLOCK } from "./tar-entry.ts";

const COPY = 4 * 1024 * 1024;
const PADDING = Buffer.alloc(TAR_BLOCK);

export interface ArchiveParts {
  readonly manifest: Buffer;
  readonly entriesFile: string;
  /** Gzip members that end with the end of the tar archive. */
  readonly bodyFile: string;
}

/**
 * Writes the final file: the manifest in members of its own, so that a listing reads nothing else, then the entries, then
 * the body's members as they are. Nothing is compressed twice.
 */
export async function sealArchive(path: string, { manifest, entriesFile, bodyFile }: ArchiveParts): Promise<void> {
  const seconds = BigInt(Math.floor(Date.now() / 1000)) * 1_000_000_000n;
  {
    await using stream = new MemberWriter(path);
    await stream.append(encodeTarEntry(tarOfDocument(MANIFEST_NAME, manifest.length, seconds)));
    await stream.append(manifest);
    await stream.append(PADDING.subarray(0, padded(manifest.length) - manifest.length));
    await stream.mark();
    await appendEntries(stream, entriesFile, seconds);
    await stream.flush();
  }
  appendFile(path, bodyFile);
}

async function appendEntries(stream: MemberWriter, entriesFile: string, mtimeNs: bigint): Promise<void> {
  const input = openSync(entriesFile, "r");
  try {
    const { size } = fstatSync(input);
    await stream.append(encodeTarEntry(tarOfDocument(ENTRIES_NAME, size, mtimeNs)));
    const buffer = Buffer.allocUnsafeSlow(Math.min(size, COPY) + 1);
    for (let done = 0; done < size;) {
      const read = readSync(input, buffer, 0, buffer.length, done);
      if (read === 0 || done + read > size) throw new InternalError("The list of entries changed while it was stored");
      await stream.append(buffer.subarray(0, read));
      done += read;
    }
    await stream.append(PADDING.subarray(0, padded(size) - size));
  } finally {
    closeSync(input);
  }
}

function appendFile(path: string, file: string): void {
  const input = openSync(file, "r");
  try {
    const output = openSync(path, "a");
    try {
      const buffer = Buffer.allocUnsafeSlow(COPY);
      for (let read = readSync(input, buffer); read > 0; read = readSync(input, buffer)) writeFully(output, buffer.subarray(0, read));
    } finally {
      closeSync(output);
    }
  } finally {
    closeSync(input);
  }
}
