import type { FinishedBody } from "../../local-vault/index.ts";
import { EntryChecksum, type Entry } from "../../vault/index.ts";

type Facts = Omit<Entry, "component">;

/** The entries of one component on their way into the checksum. */
export interface ComponentChecksum {
  /** In stored order. */
  add(entry: Facts): void;
  /** All of it is stored, or none of it. */
  end(stored: boolean): void;
}

/**
 * The checksum over the entries of all components, each component in one piece. Trees come one after the other and go into it while they
 * are stored: nobody keeps their entries. What is stored beside one is a single file, or has few entries, which wait until the end.
 */
export class BackupChecksum {
  #checksum: EntryChecksum = new EntryChecksum();
  /** Before the tree under way. */
  #mark: EntryChecksum | undefined;
  readonly #inOrder: boolean;
  readonly #order: string[] = [];
  readonly #waiting: Map<string, () => Iterable<Facts>> = new Map();

  /** @param inOrder whether every component goes in where it comes, one after the other, as in a backup that is stored once more */
  constructor(inOrder = false) {
    this.#inOrder = inOrder;
  }

  /** @param many whether its entries may be many */
  component(name: string, many: boolean): ComponentChecksum {
    return (many || this.#inOrder) && this.#mark === undefined ? this.#atOnce(name) : this.#later(name);
  }

  #atOnce(name: string): ComponentChecksum {
    this.#mark = this.#checksum.copy();
    const end = (stored: boolean): void => {
      if (stored) this.#order.push(name);
      else this.#checksum = this.#mark ?? this.#checksum;
      this.#mark = undefined;
    };
    return { add: (entry) => this.#checksum.add(name, entry), end };
  }

  #later(name: string): ComponentChecksum {
    const entries: Facts[] = [];
    const end = (stored: boolean): void => {
      if (stored) this.#waiting.set(name, () => entries);
    };
    return { add: (entry) => void entries.push(entry), end };
  }

  /** Of a component whose entries are those of a backup before. They are read when the checksum is asked for, and only then. */
  asBefore(name: string, read: () => Iterable<Facts>): void {
    this.#waiting.set(name, read);
  }

  /** Names of the components in the order of their entries. */
  get order(): readonly string[] {
    return [...this.#order, ...this.#waiting.keys()];
  }

  /** Of all of them; both in the form of the manifest. */
  finish(): Pick<FinishedBody, "checksum" | "features"> {
    const checksum = this.#checksum.copy();
    for (const [name, entries] of this.#waiting) for (const entry of entries()) checksum.add(name, entry);
    return { checksum: checksum.value(), features: checksum.features };
  }
}
