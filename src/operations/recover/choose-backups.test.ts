import { describe, expect, it } from "vitest";
import { backupHead, type HeadSpec } from "../../../test/support/backup-head.ts";
import { chooseBackups, type Wanted } from "./choose-backups.ts";

const DB: Wanted = { name: "db", importance: "critical" };
const NOTES: Wanted = { name: "notes", importance: "high" };
const BOTH: HeadSpec["components"] = { db: {}, notes: {} };
const verified = { at: "2026-03-15T01:00:00Z", holdfast_version: "", manifest_sha256: "0".repeat(64), entries: 1, bytes: 1 };

/** Minute of the chosen backup per component; specs are oldest first. */
function chosen(specs: readonly HeadSpec[], wanted: readonly Wanted[] = [DB, NOTES], bad: readonly string[] = []): unknown[] {
  const heads = specs.map((spec, index) => backupHead({ minute: index + 1, ...spec })).toReversed();
  const usable = (head: (typeof heads)[number], component: string): boolean => !bad.includes(`${head.manifest.sequence}/${component}`);
  return chooseBackups(heads, wanted, usable).map(({ head, remark }) => [head?.manifest.sequence ?? null, remark !== null]);
}

describe("chooseBackups()", () => {
  it("takes the newest when it is good for everything", () => {
    expect(chosen([{ components: BOTH }, { components: BOTH }])).toEqual([
      [2, false],
      [2, false],
    ]);
  });

  it("takes what the newest lacks, and is not critical, from the newest that has it, and says so", () => {
    expect(chosen([{ components: BOTH }, { components: BOTH }, { components: { db: {} } }])).toEqual([
      [3, false],
      [2, true],
    ]);
  });

  it("goes back for everything when something critical is not good in the newest", () => {
    expect(chosen([{ components: BOTH }, { components: { db: { suspect: true }, notes: {} } }])).toEqual([
      [1, true],
      [1, true],
    ]);
    expect(chosen([{ components: BOTH }, { components: BOTH, marks: { verified: { ...verified, ok: false } } }])).toEqual([
      [1, true],
      [1, true],
    ]);
  });

  it("does without what does not read back, alone or as a whole", () => {
    const two = [{ components: BOTH }, { components: BOTH }];
    expect(chosen(two, [DB, NOTES], ["2/notes"])).toEqual([
      [2, false],
      [1, true],
    ]);
    expect(chosen(two, [DB, NOTES], ["2/db"])).toEqual([
      [1, true],
      [1, true],
    ]);
    expect(chosen(two, [DB, NOTES], ["2/db", "1/db"])).toEqual([
      [null, true],
      [2, false],
    ]);
  });

  it("lets backups of single components stand beside each other where none has everything critical", () => {
    const notes: Wanted = { ...NOTES, importance: "critical" };
    expect(chosen([{ components: { db: {} } }, { components: { notes: {} } }], [DB, notes])).toEqual([
      [1, true],
      [2, false],
    ]);
  });

  it("takes what was kept before a restore only when there is nothing else", () => {
    const before: HeadSpec = { components: BOTH, trigger: "pre-restore" };
    expect(chosen([{ components: BOTH }, before])).toEqual([
      [1, false],
      [1, false],
    ]);
    expect(chosen([before])).toEqual([
      [1, false],
      [1, false],
    ]);
  });

  it("goes by the manifest where the configuration leaves the importance open", () => {
    const open: Wanted = { name: "notes", importance: undefined };
    const lacking: HeadSpec = { components: { db: {} } };
    expect(chosen([{ components: { db: {}, notes: { importance: "high" } } }, lacking], [DB, open])).toEqual([
      [2, false],
      [1, true],
    ]);
    expect(chosen([{ components: { db: {}, notes: { importance: "critical" } } }, lacking], [DB, open])).toEqual([
      [1, true],
      [1, true],
    ]);
  });

  it("names a component that no backup has", () => {
    expect(chosen([{ components: { db: {} } }])).toEqual([
      [1, false],
      [null, true],
    ]);
    expect(chosen([])).toEqual([
      [null, false],
      [null, false],
    ]);
  });
});
