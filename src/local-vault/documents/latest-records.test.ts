import { describe, expect, it } from "vitest";
import type { BackupId, RecordedDamage, VaultRecord } from "../../vault/index.ts";
import { latestAbout, latestDamage } from "./latest-records.ts";

const ID = "2026-03-15T14-30-00_scheduled" as BackupId;
const NAME = `${ID}.backup`;

function found(
  sequence: number,
  kind: "removal" | "return",
  about: { whole?: BackupId; damaged?: RecordedDamage },
): { record: VaultRecord; sha256: string } {
  const backups = about.whole === undefined ? [] : [{ id: about.whole, sequence: 1, manifest_sha256: "a".repeat(64) }];
  const damaged = about.damaged === undefined ? {} : { damaged: [about.damaged] };
  return {
    record: { version: "1", kind, sequence, previous: null, at: "2026-03-16T00:00:00Z", reason: `record ${sequence}`, backups, ...damaged },
    sha256: "",
  };
}

describe("latestAbout()", () => {
  it("is the newest record about a name, in whatever order they were read, whether it was damaged by then or not", () => {
    const records = [
      found(9, "removal", { whole: ID }),
      found(5, "removal", { damaged: { name: NAME, sequence: 1 } }),
      found(7, "return", { whole: ID }),
    ];
    expect(latestAbout(records, NAME)).toMatchObject({ record: { sequence: 9 }, number: 1 });
    expect(latestAbout(records.slice(1), NAME)).toMatchObject({ record: { sequence: 7 }, number: 1 });
    expect(latestAbout(records, "2026-03-15T14-30-00_manual.backup")).toBeUndefined();
  });

  it("gives the number that was told last of it as a damaged one, which may be none", () => {
    const records = [
      found(5, "removal", { damaged: { name: NAME, sequence: 1 } }),
      found(6, "removal", { damaged: { name: NAME, sequence: null } }),
    ];
    expect(latestAbout(records, NAME)?.number).toBeNull();
    expect(latestAbout([found(5, "removal", { whole: ID })], NAME)?.number).toBeNull();
  });
});

describe("latestDamage()", () => {
  it("is the same of every name that was ever damaged, and of no other", () => {
    const records = [
      found(5, "removal", { damaged: { name: NAME, sequence: 1 } }),
      found(7, "return", { whole: ID }),
      found(8, "removal", { whole: "2026-01-01T00-00-00_manual" as BackupId }),
    ];
    expect([...latestDamage(records)].map(([name, { record }]) => [name, record.sequence])).toEqual([[NAME, 7]]);
  });
});
