import type { ReadingEntry, UntouchedFiles } from "./reading.ts";

/** Every entry by itself. */
export async function* entriesOf(batches: AsyncIterable<ReadingEntry | UntouchedFiles>): AsyncGenerator<ReadingEntry> {
  for await (const batch of batches) {
    if (!("files" in batch)) yield batch;
    else
      for (const index of batch.files.keys()) {
        const entry = batch.entry(index);
        if (entry !== undefined) yield entry;
      }
  }
}
