import { join } from "node:path";
import { crashpoint } from "../../kernel/index.ts";
import { readContent, type LiveFacts, type ReadableContent } from "../../vault/index.ts";
import {
  withFacts,
  type Body,
  type BodyItem,
  type BodyResult,
  type ComponentOptions,
  type ComponentWriter,
} from "../../local-vault/index.ts";
import { MemberWriter, type StreamMark } from "./member-writer.ts";
import { sealArchive } from "./seal-archive.ts";
import { encodeTarEntry, padded, TAR_BLOCK } from "./tar-entry.ts";
import { tarOfEntry } from "./tar-of-entry.ts";

/** The largest file that is seen to hold still before it is written; larger ones can be taken back. Bytes. */
const BUFFER = 4 * 1024 * 1024;
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
    return { item, stored: true, size: 0, proof: undefined, facts: undefined, change: undefined };
  }

  async #storeFile(item: BodyItem, content: ReadableContent, options: ComponentOptions): Promise<BodyResult> {
    // Closed in any case: the file under it must not stay open when a write fails.
    using steps = readContent(content, this.#buffer);
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
        return { item, stored: true, size, proof: { sha256: end.sha256 }, facts, change: end.change };
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

  interrupt(): void {
    // Nothing here takes long between two looks at the signal.
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
