import type { ReadingEntry, UntouchedEntries } from "./reading.ts";

/** Every entry by itself. */
export async function* entriesOf(batches: AsyncIterable<ReadingEntry | UntouchedEntries>): AsyncGenerator<ReadingEntry> {
  for await (const batch of batches) {
    if ("entries" in batch) for (const index of batch.entries.keys()) yield batch.entry(index);
    else yield batch;
  }
}
