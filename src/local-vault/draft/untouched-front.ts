import { InternalError } from "../../kernel/index.ts";
import type { ReadingEntry, UntouchedEntries } from "../../vault/index.ts";

export const NOTHING: UntouchedEntries = {
  entries: [],
  entry: (index) => {
    throw new InternalError(`There is no entry ${index}`);
  },
};

/** Some behind others. */
export function joined(first: UntouchedEntries, second: UntouchedEntries): UntouchedEntries {
  const { length } = first.entries;
  if (length === 0) return second;
  const entries = [...first.entries, ...second.entries];
  return { entries, entry: (index) => (index < length ? first.entry(index) : second.entry(index - length)) };
}

/**
 * Those from one on, which are few. Each is made now: if it were asked for where it came from, the front of every batch would keep the batch before
 * it, and that the one before, and what was looked at of a million files would stay in memory.
 */
export function from(all: UntouchedEntries, first: number): UntouchedEntries {
  const entries = all.entries.slice(first);
  const made = entries.map((_, index) => all.entry(first + index));
  return givenOf(entries, made);
}

/** Apart: V8 keeps for a function whatever any other function made beside it needs, which is all of them. */
function givenOf(entries: UntouchedEntries["entries"], made: readonly ReadingEntry[]): UntouchedEntries {
  return { entries, entry: (index) => made[index] ?? NOTHING.entry(index) };
}
