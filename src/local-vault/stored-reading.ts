import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { DamageError, InternalError, lstatAt, writeFully } from "../kernel/index.ts";
import {
  proofOf,
  type BackupReader,
  type Content,
  type OpenedEntry,
  type Reading,
  type ReadingEntry,
  type ReadingReport,
} from "../vault/index.ts";

/**
 * A backup as readings, one per component, to store it once more in another form or vault. Each content lies in a file
 * of ours first, because its hash is proved at its end only.
 */
export class StoredReading implements AsyncDisposable {
  readonly #reader: BackupReader;
  readonly #staging: string;
  readonly #entries: AsyncIterator<OpenedEntry>;
  #next: OpenedEntry | undefined;
  #number = 0;

  constructor(reader: BackupReader, staging: string, signal: AbortSignal | undefined) {
    this.#reader = reader;
    this.#staging = staging;
    this.#entries = reader.read(signal === undefined ? {} : { signal })[Symbol.asyncIterator]();
  }

  /** In stored order. Each must be read to its end before the next. */
  async *components(): AsyncGenerator<{ readonly component: string; readonly storedAs: string; readonly reading: Reading }> {
    const done = new Set<string>();
    await this.#advance();
    const details = this.#reader.head.manifest.component_details;
    while (this.#next !== undefined) {
      const { component } = this.#next.entry;
      const known = details[component];
      if (known === undefined || done.has(component))
        throw new DamageError("BACKUP_DAMAGED", `The entries of component "${component}" do not lie together`);
      done.add(component);
      yield { component, storedAs: known.stored_as, reading: this.#reading(component, known) };
    }
    // A component without any entry is stored as such.
    for (const [component, known] of Object.entries(details)) {
      if (!done.has(component)) yield { component, storedAs: known.stored_as, reading: this.#reading(component, known) };
    }
  }

  /** What was stored anew is what was read. */
  mustEqual(checksum: string): void {
    if (checksum !== this.#reader.head.manifest.checksum) throw new InternalError("The stored entries are not those that were read");
  }

  #reading(component: string, report: ReadingReport): Reading {
    const next = (): OpenedEntry | undefined => (this.#next?.entry.component === component ? this.#next : undefined);
    const stage = (opened: OpenedEntry): Promise<ReadingEntry> => this.#stage(opened);
    const advance = (): Promise<void> => this.#advance();
    return {
      async *entries() {
        for (let opened = next(); opened !== undefined; opened = next()) {
          const entry = await stage(opened);
          await advance();
          yield entry;
        }
      },
      confirm: () => Promise.resolve(),
      report: () => report,
      close: () => Promise.resolve(),
    };
  }

  async #stage({ entry, content }: OpenedEntry): Promise<ReadingEntry> {
    const { component: _, sha256: __, pages_sha256: ___, ...head } = entry;
    if (content === undefined) return { head, content: { kind: "none" } };
    const path = join(this.#staging, `archived-${(this.#number += 1)}`);
    const descriptor = openSync(path, "wx", 0o600);
    try {
      for await (const chunk of content) writeFully(descriptor, chunk);
    } finally {
      closeSync(descriptor);
    }
    return { head, content: stagedFile(path), proof: proofOf(entry) };
  }

  async #advance(): Promise<void> {
    const next = await this.#entries.next();
    this.#next = next.done === true ? undefined : next.value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#entries.return?.();
  }
}

function stagedFile(path: string): Content {
  const stats = lstatAt(path);
  if (stats === undefined) throw new InternalError(`"${path}" is gone`);
  return {
    kind: "staged",
    spans: [{ kind: "file", path, device: stats.dev, inode: stats.ino, offset: 0, length: Number(stats.size) }],
    movable: true,
  };
}
