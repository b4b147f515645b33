import type { DatabaseLook, RecordSink } from "../../vault/index.ts";
import type { ComponentCache, SeenDatabase } from "../cache/component-cache.ts";
import type { PageFile } from "../cache/page-file.ts";
import { RecordWriter } from "../cache/record-file.ts";
import { removeSideFile, type SideFile } from "../cache/side-file.ts";

/** What the next backup of a component may know, gathered while it is stored. */
export class NextCache {
  /** Of the backup under way. Milliseconds since the epoch. */
  readonly #now: number;
  readonly #newFile: () => SideFile | undefined;
  /** Made for it. */
  readonly #files: SideFile[] = [];
  readonly #databases: Map<string, SeenDatabase> = new Map();
  #records: RecordWriter | undefined;

  /** @param newFile makes a file beside the cache */
  constructor(now: number, newFile: () => SideFile | undefined) {
    this.#now = now;
    this.#newFile = () => {
      const file = newFile();
      if (file !== undefined) this.#files.push(file);
      return file;
    };
  }

  /** For what the pages of a database are; undefined when there can be no such file. */
  readonly newPageFile = (pageSize: number, pages: number): PageFile | undefined => {
    const file = this.#newFile();
    return file === undefined ? undefined : { ...file, pageSize, pages };
  };

  /** For the reading that asks last. */
  readonly newRecords = (): RecordSink => (this.#records = new RecordWriter(this.#newFile));

  /** One that was read now. @param pages undefined when they could not be written down */
  noteDatabase(path: string, pages: PageFile | undefined, look: DatabaseLook | undefined): void {
    this.#databases.set(path, { pages, look: look ?? null, readAt: this.#now });
  }

  /** One that is as it was. */
  keepDatabase(path: string, seen: SeenDatabase | undefined): void {
    if (seen !== undefined) this.#databases.set(path, seen);
  }

  /** @param head what the reading gave in the end; it is worth nothing without its records */
  cacheFor(tree: string, head: Uint8Array | undefined): ComponentCache {
    const records = head === undefined ? undefined : this.#records?.finish();
    const memory = head === undefined || records === undefined ? undefined : { head, records };
    return { tree, begun: this.#now, memory, databases: this.#databases };
  }

  /** No cache will name what was made for this one. */
  discard(): void {
    for (const file of this.#files.splice(0)) removeSideFile(file);
  }
}
