import { DamageError, throwIfAborted } from "../../kernel/index.ts";
import {
  ENTRIES_NAME,
  quotePath,
  type BackupHead,
  type BackupReader,
  type Entry,
  type OpenedEntry,
  type OpenedFile,
} from "../../vault/index.ts";
import { checkedContent, checkEntries, givenEntries, placeIn, type ReaderParts } from "../../local-vault/index.ts";
import { parseLines } from "../parse-lines.ts";
import { decodeTarEntry, type DecodedTarEntry } from "./decode-tar-entry.ts";
import { MemberReader } from "./member-reader.ts";
import { readManifestBytes } from "./read-manifest.ts";
import { padded, TAR_BLOCK, type TarEntry } from "./tar-entry.ts";
import { tarOfEntry } from "./tar-of-entry.ts";

type ReadOptions = Parameters<BackupReader["read"]>[0];

/** Reads a .tar.gz of ours. The manifest decides what must be in it; nothing else is let pass. */
export class TarGzReader implements BackupReader {
  readonly head: BackupHead;
  readonly #parts: ReaderParts;
  readonly #file: OpenedFile;
  readonly #entriesAt: number;
  /** Where the contents begin; known once the entries were read. */
  #bodyAt: number | undefined;
  #checked: Promise<unknown> | undefined;
  #open = true;

  /** Takes over the file. */
  constructor(file: OpenedFile, parts: ReaderParts) {
    this.#file = file;
    this.#parts = parts;
    this.head = parts.head;
    try {
      this.#entriesAt = readManifestBytes(file.descriptor).end;
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
  }

  async *entries(): AsyncGenerator<Entry> {
    await this.#check();
    yield* givenEntries(() => parseLines(this.#entryBytes()), this.head.manifest);
  }

  async *read(options: ReadOptions = {}): AsyncGenerator<OpenedEntry> {
    const { select, signal, onBytes } = options;
    await this.#check();
    const stream = new MemberReader(this.#file.descriptor, this.#bodyAt ?? 0);
    const take = (length: number): Promise<Buffer> => stream.take(length);
    for await (const entry of this.entries()) {
      throwIfAborted(signal);
      const place = placeIn(this.head.manifest, entry);
      const expected = tarOfEntry(
        entry,
        place,
        entry.hard_link === undefined ? undefined : placeIn(this.head.manifest, entry, entry.hard_link),
      );
      compare(await decodeTarEntry(take), expected);
      const { size } = expected;
      if (select !== undefined && !select(entry)) {
        await stream.skip(padded(size));
        continue;
      }
      if (expected.type !== "File") {
        yield { entry };
        continue;
      }
      const position = counted(stream.pieces(size));
      const reading = checkedContent(entry, place, position.pieces, (bytes) => {
        throwIfAborted(signal);
        onBytes?.(bytes);
      });
      yield { entry, content: reading.content };
      if (select === undefined) await reading.finish();
      else await stream.skip(size - position.taken());
      const padding = await stream.take(padded(size) - size);
      if (padding.some((byte) => byte !== 0)) throw damaged(`something lies behind ${quotePath(place)}`);
    }
    if (select !== undefined) return;
    for (let block = 0; block < 2; block += 1) {
      if ((await stream.take(TAR_BLOCK)).some((byte) => byte !== 0)) throw hostile("it holds more than the manifest declares");
    }
    stream.finish();
  }

  #check(): Promise<unknown> {
    this.#checked ??= checkEntries(() => parseLines(this.#entryBytes()), this.head.manifest, this.#parts);
    return this.#checked;
  }

  async *#entryBytes(): AsyncGenerator<Uint8Array> {
    const stream = new MemberReader(this.#file.descriptor, this.#entriesAt);
    const entry = await decodeTarEntry((length) => stream.take(length));
    if (entry?.type !== "File" || entry.path !== ENTRIES_NAME) throw damaged(`${ENTRIES_NAME} does not come second`);
    yield* stream.pieces(entry.size);
    await stream.take(padded(entry.size) - entry.size);
    this.#bodyAt = stream.boundary();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#file[Symbol.dispose]();
    this.#parts.release();
  }
}

/** How many bytes somebody has taken of a content that may be left half read. */
function counted(source: AsyncGenerator<Buffer>): { pieces: AsyncGenerator<Buffer>; taken: () => number } {
  let taken = 0;
  async function* pieces(): AsyncGenerator<Buffer> {
    for await (const piece of source) {
      taken += piece.length;
      yield piece;
    }
  }
  return { pieces: pieces(), taken: () => taken };
}

/** What the archive says of an entry is what entries.jsonl says: other tar programs then make the same of it. */
function compare(found: DecodedTarEntry | undefined, expected: TarEntry): void {
  if (found === undefined) throw damaged(`it ends before ${quotePath(expected.path)}`);
  for (const key of ["path", "type", "size", "target", "mode", "uid", "gid"] as const) {
    if (found[key] === expected[key]) continue;
    if (key === "path" || key === "type" || key === "target") {
      throw hostile(
        `${quotePath(found.path)} (${found.type}) lies where the manifest declares ${quotePath(expected.path)} (${expected.type})`,
      );
    }
    throw damaged(`${quotePath(expected.path)} has ${key} ${found[key]} where ${expected[key]} is recorded`);
  }
}

function damaged(problem: string): DamageError {
  return new DamageError("BACKUP_DAMAGED", `The archive is damaged: ${problem}`, {
    hint: "Use another backup, or another copy of this one",
  });
}

function hostile(problem: string): DamageError {
  return new DamageError("ARCHIVE_HOSTILE", `Refuse the archive: ${problem}`, { hint: "Do not unpack it by other means" });
}
