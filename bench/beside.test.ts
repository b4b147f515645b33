import { describe, expect, it } from "vitest";
import { bytesBeside, timesBeside, turnsWith } from "./beside.ts";
import { isMet, isUnjudged } from "./comparisons.ts";
import type { Measurement } from "./measure.ts";
import type { Side } from "./pairs.ts";
import type { Peer } from "./peers.ts";

const walls = (...values: number[]): Measurement[] => values.map((wall) => ({ wall, cpu: 1, peak: 0 }));
const tells = (name: string, wall: number, into: string[]): Side => ({
  prepare: () => {},
  run: () => {
    into.push(name);
    return Promise.resolve({ wall, cpu: 1, peak: 0 });
  },
});

describe("timesBeside()", () => {
  it("judges by restic, and shows the others for information", () => {
    const rows = timesBeside(
      "first",
      walls(1, 2, 3),
      [
        { name: "restic", found: walls(2, 4, 3) },
        { name: "borg", found: walls(1, 1, 1) },
      ],
      0.4,
    );
    expect(rows).toMatchObject([
      { what: "first / restic", value: 0.5, must: 0.4 },
      { what: "first / borg", value: 2, must: null },
    ]);
    expect(rows.map(isMet)).toEqual([false, null]);
  });

  it("keeps the row of a peer that is not installed, and does not call it met", () => {
    const rows = timesBeside(
      "first",
      walls(1),
      [
        { name: "restic", found: null },
        { name: "borg", found: null },
      ],
      0.4,
    );
    expect(rows).toMatchObject([{ ours: "1.00 s", peer: "not installed", value: null, must: 0.4 }, { must: null }]);
    expect(rows.map(isMet)).toEqual([null, null]);
    expect(rows.map(isUnjudged)).toEqual([true, false]);
  });
});

describe("bytesBeside()", () => {
  it("is the ratio of what was stored", () => {
    expect(bytesBeside("added", 2.5e6, [{ name: "restic", found: 100e6 }], 1 / 40)).toMatchObject([{ peer: "100.00 MB", value: 0.025 }]);
  });
});

describe("turnsWith()", () => {
  it("runs ours and the peers that are here in turn, and gives each candidate its own", async () => {
    const order: string[] = [];
    const peer = { name: "borg" } as Peer;
    const { ours, beside } = await turnsWith(
      [tells("staged", 1, order), tells("pinned", 2, order)],
      [
        { name: "restic", peer: null },
        { name: "borg", peer },
      ],
      ({ name }) => tells(name, 3, order),
      2,
    );
    expect(order).toEqual(["staged", "pinned", "borg", "staged", "pinned", "borg"]);
    expect(ours.map((measured) => measured.map(({ wall }) => wall))).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(beside).toMatchObject([
      { name: "restic", found: null },
      { name: "borg", found: [{ wall: 3 }, { wall: 3 }] },
    ]);
  });
});
