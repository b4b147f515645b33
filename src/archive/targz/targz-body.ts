import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { crashpoint } from "../../kernel/index.ts";
import { ENTRIES_NAME, MANIFEST_NAME, readContent, type LiveFacts, type ReadableContent } from "../../vault/index.ts";
import type { Body, BodyItem, BodyResult, ComponentOptions, ComponentWriter } from "../body.ts";
import { withFacts } from "../with-facts.ts";
import { encodeMember, MEMBER_LIMIT } from "./gzip-member.ts";
import { MemberWriter, type StreamMark } from "./member-writer.ts";
import { encodeTarEntry, padded, TAR_BLOCK } from "./tar-entry.ts";
import { tarOfDocument, tarOfEntry } from "./tar-of-entry.ts";

/** The largest file that is seen to hold still before it is written; larger ones can be taken back. Bytes. */
const BUFFER = 4 * 1024 * 1024;
const COPY = 4 * 1024 * 1024;
const PADDING = Buffer.alloc(TAR_BLOCK);

/** Contents as one compressed tar stream, in a file of their own until manifest and entries come before them. */
export class TarGzBody implements Body {
  readonly #folder: string;
  readonly #stream: MemberWriter;
  readonly #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER);

  /** @param folder private, for the files under work */
  constructor(folder: string) {
    this.#folder = folder;
    this.#stream = new MemberWriter(join(folder, "body.gz"));
  }

  component(options: ComponentOptions): ComponentWriter {
    let begin: Promise<StreamMark> | undefined;
    return {
      add: async (item) => {
        begin ??= this.#stream.mark();
        await begin;
        options.onResult(await this.#store(item, options));
      },
      finish: () => Promise.resolve(),
      rollback: async () => {
        if (begin !== undefined) await this.#stream.rewind(await begin);
      },
    };
  }

  async #store(item: BodyItem, options: ComponentOptions): Promise<BodyResult> {
    const { head, place, content } = item;
    if (head.hard_link !== undefined) {
      const link = options.resolveLink(item);
      if (link === undefined) return { item, stored: false, reason: "vanished" };
      if ("content" in link) {
        const { hard_link: _, ...own } = head;
        return await this.#storeFile({ ...item, head: own }, link.content, options);
      }
      await this.#stream.append(encodeTarEntry(tarOfEntry(head, place, link.firstPlace)));
    } else if (content !== undefined) {
      return await this.#storeFile(item, content, options);
    } else {
      await this.#stream.append(encodeTarEntry(tarOfEntry(head, place, undefined)));
    }
    return { item, stored: true, size: 0, sha256: undefined, facts: undefined, change: undefined };
  }

  async #storeFile(item: BodyItem, content: ReadableContent, options: ComponentOptions): Promise<BodyResult> {
    const steps = readContent(content, this.#buffer);
    let facts: LiveFacts | undefined;
    let size = 0;
    let mark: StreamMark | undefined;
    for (;;) {
      const step = steps.next();
      if (step.done === true) {
        const end = step.value;
        if (!end.stored) {
          if (mark !== undefined) await this.#stream.rewind(mark);
          return { item, stored: false, reason: end.reason };
        }
        await this.#stream.append(PADDING.subarray(0, padded(size) - size));
        return { item, stored: true, size, sha256: end.sha256, facts, change: end.change };
      }
      if (step.value.step === "begin") {
        ({ size, facts } = step.value);
        // What comes in one piece is final. The rest may have to be read anew, with another size.
        if (mark !== undefined) await this.#stream.rewind(mark);
        else if (content.kind === "live" && size > this.#buffer.length) mark = await this.#stream.mark();
        await this.#stream.append(encodeTarEntry(tarOfEntry(withFacts(item.head, size, facts), item.place, undefined)));
        continue;
      }
      const { bytes } = step.value;
      const full = this.#stream.append(bytes);
      if (full !== undefined) await full;
      options.onBytes(bytes.length);
    }
  }

  async finish(): Promise<number> {
    // The end of a tar archive: two empty blocks.
    await this.#stream.append(Buffer.alloc(TAR_BLOCK * 2));
    const length = await this.#stream.flush();
    crashpoint("archive-body-written");
    return length;
  }

  async seal({ manifest, entriesFile }: { readonly manifest: Buffer; readonly entriesFile: string }): Promise<string> {
    const path = join(this.#folder, "archive.tar.gz");
    await this.#stream[Symbol.asyncDispose]();
    await sealArchive(path, { manifest, entriesFile, bodyFile: join(this.#folder, "body.gz") });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream[Symbol.asyncDispose]();
  }
}

/** Writes the final file: manifest, entries, then the body's members as they are. */
function sealArchive(path: string, parts: { readonly manifest: Buffer; readonly entriesFile: string; readonly bodyFile: string }): Promise<void> {
  const output = openSync(path, "wx", 0o600);
  try {
    const now = BigInt(Date.now()) * 1_000_000n;
    const manifest = Buffer.concat([
      encodeTarEntry(tarOfDocument(MANIFEST_NAME, parts.manifest.length, wholeSeconds(now))),
      parts.manifest,
      PADDING.subarray(0, padded(parts.manifest.length) - parts.manifest.length),
    ]);
    for (let offset = 0; offset < manifest.length; offset += MEMBER_LIMIT) writeWhole(output, encodeMember(manifest.subarray(offset, offset + MEMBER_LIMIT)));
    copyEntries(output, parts.entriesFile, wholeSeconds(now));
    copyWhole(output, parts.bodyFile);
  } finally {
    closeSync(output);
  }
  return Promise.resolve();
}

function copyEntries(output: number, entriesFile: string, mtimeNs: bigint): void {
  const input = openSync(entriesFile, "r");
  try {
    const { size } = fstatSync(input);
    const header = encodeTarEntry(tarOfDocument(ENTRIES_NAME, size, mtimeNs));
    const block = Buffer.alloc(MEMBER_LIMIT);
    header.copy(block);
    let filled = header.length;
    for (let done = 0; done < size; ) {
      const read = readSync(input, block, filled, Math.min(block.length - filled, size - done), done);
      done += read;
      filled += read;
      if (filled < block.length && done < size) continue;
      if (filled === block.length) {
        writeWhole(output, encodeMember(block));
        filled = 0;
      }
    }
    const padding = padded(size) - size;
    block.fill(0, filled, filled + padding);
    filled += padding;
    if (filled > 0) writeWhole(output, encodeMember(block.subarray(0, filled)));
  } finally {
    closeSync(input);
  }
}

function copyWhole(output: number, file: string): void {
  const input = openSync(file, "r");
  try {
    const buffer = Buffer.allocUnsafeSlow(COPY);
    for (;;) {
      const read = readSync(input, buffer, 0, buffer.length, null);
      if (read === 0) return;
      writeWhole(output, buffer.subarray(0, read));
    }
  } finally {
    closeSync(input);
  }
}

function writeWhole(output: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(output, bytes, done);
}

function wholeSeconds(nanoseconds: bigint): bigint {
  return nanoseconds - (nanoseconds % 1_000_000_000n);
}
