import { describe, expect, it } from "vitest";
import { backUpUnderWriter } from "../support/live-writer.ts";

/** The soak tier takes two hundred; they take minutes. */
const BACKUPS = 30;

describe.each([
  ["wal", "directory"],
  ["delete", "directory"],
  ["wal", "repository"],
  ["delete", "repository"],
] as const)("a process commits 200 transactions a second in %s mode, %s", (mode, form) => {
  it(`${BACKUPS} backups in a row are whole committed states, none older than what was committed before it began`, async () => {
    const reached = await backUpUnderWriter(mode, BACKUPS, form);
    expect(reached).toHaveLength(BACKUPS);
    // The writer went on all the time: the same state twice would say little.
    expect(new Set(reached).size).toBeGreaterThan(BACKUPS / 2);
  });
});
