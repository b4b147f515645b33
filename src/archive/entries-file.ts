import { closeSync, ftruncateSync, openSync } from "node:fs";
import { writeFully } from "../kernel/index.ts";
import type { FinishedBody } from "../local-vault/index.ts";
import { EntryChecksum, formatEntry, type Entry } from "../vault/index.ts";

const BUFFER = 256 * 1024;

export interface EntriesMark {
  readonly length: number;
  readonly checksum: EntryChecksum;
}

/** entries.jsonl while it is written, with the checksum over it; can be taken back to where a component began. */
export class EntriesFile implements Disposable {
  readonly path: string;
  readonly #descriptor: number;
  #checksum: EntryChecksum = new EntryChecksum();
  #pending: string[] = [];
  #pendingLength = 0;
  #length = 0;
  #open = true;

  constructor(path: string) {
    this.path = path;
    this.#descriptor = openSync(path, "wx", 0o600);
  }

  add(component: string, entry: Omit<Entry, "component">): void {
    this.#checksum.add(component, entry);
    const line = formatEntry({ component, ...entry });
    this.#pending.push(line);
    this.#pendingLength += line.length;
    if (this.#pendingLength > BUFFER) this.#flush();
  }

  mark(): EntriesMark {
    this.#flush();
    return { length: this.#length, checksum: this.#checksum.copy() };
  }

  rewind(mark: EntriesMark): void {
    this.#pending = [];
    this.#pendingLength = 0;
    ftruncateSync(this.#descriptor, mark.length);
    this.#length = mark.length;
    this.#checksum = mark.checksum.copy();
  }

  /** Everything is in the file. Both in the form of the manifest. */
  finish(): Pick<FinishedBody, "checksum" | "features"> {
    this.#flush();
    this[Symbol.dispose]();
    return { checksum: this.#checksum.value(), features: this.#checksum.features };
  }

  #flush(): void {
    const bytes = Buffer.from(this.#pending.join(""));
    writeFully(this.#descriptor, bytes, this.#length);
    this.#length += bytes.length;
    this.#pending = [];
    this.#pendingLength = 0;
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#descriptor);
  }
}
