import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { VERSION } from "../../kernel/index.ts";
import { isRecentlyRead, settledBefore, type SourceKind } from "../../vault/index.ts";
import type { ReadingRequest } from "../reading-request.ts";
import type { Root } from "../root.ts";
import { knownTo } from "./known-to.ts";
import { ROW_BYTES, ROWS, Rows } from "./rows.ts";

/** Bytes, of the rules. */
const RULES = 32;

/** What a component that is one file leaves for the next reading of it: by which rules it was read, and how it looked. */
export class FileMemory {
  readonly #request: ReadingRequest;
  readonly #rules: Buffer;

  private constructor(kind: SourceKind, root: Root, request: ReadingRequest) {
    this.#request = request;
    const rules = [VERSION, kind, root.name, root.real, String(root.stats.dev)];
    this.#rules = createHash("sha256").update(JSON.stringify(rules)).digest();
  }

  /** undefined where nothing is remembered. */
  static of(kind: SourceKind, root: Root, request: ReadingRequest): FileMemory | undefined {
    return knownTo(request) === undefined ? undefined : new FileMemory(kind, root, request);
  }

  /** Whether it looks as it did when its bytes were last read, and that is not long ago, and the vault has them. */
  isUntouched(stats: BigIntStats): boolean {
    const { known, now } = this.#request;
    const head = known?.whole === true ? known.memory?.head : undefined;
    if (head?.length !== RULES + ROW_BYTES || !this.#rules.equals(head.subarray(0, RULES))) return false;
    const row = new Rows(1, head.subarray(RULES));
    return row.isSame(0, stats, settledBefore(row.readAt(0))) && isRecentlyRead(row.readAt(0), now);
  }

  /** @param stats as it looked when its reading began */
  toHead(stats: BigIntStats): Uint8Array {
    const row = new Rows(1);
    row.note(0, ROWS.file, stats, this.#request.now);
    // A head is kept beside records, of which there are none.
    this.#request.known?.newRecords();
    return Buffer.concat([this.#rules, row.bytes]);
  }
}
