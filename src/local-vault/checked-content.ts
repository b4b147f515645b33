import { DamageError } from "../kernel/index.ts";
import { ContentCheck, quotePath, type Entry } from "../vault/index.ts";

export interface ContentReading {
  /** Give to whoever wants it; may be left unread or half read. */
  readonly content: AsyncIterable<Uint8Array>;
  /** Reads and compares what nobody has read. */
  finish(): Promise<void>;
  /** Lets go of the source, read or not. */
  close(): Promise<void>;
}

/** A content that is compared with its entry on the way, whoever reads it. `source` gives exactly the entry's bytes. */
export function checkedContent(
  entry: Entry,
  place: string,
  source: AsyncGenerator<Uint8Array>,
  onBytes: ((bytes: number) => void) | undefined,
): ContentReading {
  const check = new ContentCheck(entry);
  let size = 0;
  let ended = false;
  async function* content(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = await source.next();
      if (next.done === true) break;
      check.update(next.value);
      size += next.value.length;
      onBytes?.(next.value.length);
      yield next.value;
    }
    if (ended) return;
    ended = true;
    if (size === entry.size && check.holds()) return;
    throw new DamageError("BACKUP_DAMAGED", `${quotePath(place)} is damaged: its content is not the one that was recorded`, {
      hint: "Use another backup for this file",
      details: { path: place, component: entry.component },
    });
  }
  return {
    content: { [Symbol.asyncIterator]: () => content() },
    finish: async () => {
      if (ended) return;
      for await (const _ of content()) continue;
    },
    close: async () => {
      await source.return(undefined);
    },
  };
}
