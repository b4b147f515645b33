import type { ReadingEntry, UntouchedFiles } from "./reading.ts";

/** Every entry by itself. */
export async function* entriesOf(batches: AsyncIterable<ReadingEntry | UntouchedFiles>): AsyncGenerator<ReadingEntry> {
  for await (const batch of batches) {
    if ("files" in batch) for (const index of batch.files.keys()) yield batch.entry(index);
    else yield batch;
  }
}
