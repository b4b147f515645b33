import type { NumberRange } from "../../vault/index.ts";
import type { Documents } from "./read-documents.ts";

/** Numbers of documents that are gone for good, as summaries say. Never gone through one by one: who writes a summary says how far its ranges reach. */
export class GoneNumbers {
  readonly ranges: readonly NumberRange[];

  constructor(ranges: readonly NumberRange[]) {
    this.ranges = joinedRanges(ranges);
  }

  static of({ records }: Pick<Documents, "records">): GoneNumbers {
    return new GoneNumbers(records.flatMap(({ record }) => record.gone ?? []));
  }

  has(number: number): boolean {
    return this.endOf(number) !== undefined;
  }

  /** The last number of the range that has this one; undefined when none has it. */
  endOf(number: number): number | undefined {
    let [low, high] = [0, this.ranges.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.ranges[middle]?.to ?? 0) < number) low = middle + 1;
      else high = middle;
    }
    const range = this.ranges[low];
    return range !== undefined && range.from <= number ? range.to : undefined;
  }
}

/** In their order, with gaps between them. */
function joinedRanges(ranges: readonly NumberRange[]): readonly NumberRange[] {
  const joined: { from: number; to: number }[] = [];
  for (const { from, to } of ranges.toSorted((one, other) => one.from - other.from)) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to);
    else joined.push({ from, to });
  }
  return joined;
}
