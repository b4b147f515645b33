/** What is read back whole or not at all: a pack, or a backup in archive form. */
export interface SampleUnit {
  /** In the vault. */
  readonly bytes: number;
  /** When it was read back last, in milliseconds; null when it never was. */
  readonly readAt: number | null;
}

/**
 * What a sample reads back: those that were never read first, then those that were read longest ago, until it is so much of
 * all bytes, and one at least. Chance decides among equals, so that no run passes over what the one before it passed over.
 *
 * @param part above 0, at most 1
 * @param random as Math.random()
 */
export function chooseSample<T extends SampleUnit>(units: readonly T[], part: number, random: () => number): readonly T[] {
  const total = units.reduce((sum, { bytes }) => sum + bytes, 0);
  const ordered = units
    .map((unit) => ({ unit, at: unit.readAt ?? -Infinity, lot: random() }))
    .toSorted((a, b) => (a.at === b.at ? a.lot - b.lot : a.at - b.at));
  const chosen: T[] = [];
  let bytes = 0;
  for (const { unit } of ordered) {
    if (chosen.length > 0 && bytes >= total * part) break;
    chosen.push(unit);
    bytes += unit.bytes;
  }
  return chosen;
}
