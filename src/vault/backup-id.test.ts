import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backupTime, isBackupId, makeBackupId, toBackupId, TRIGGERS } from "./backup-id.ts";

describe("isBackupId()", () => {
  it("knows every id that makeBackupId() gives, and backupTime() tells its time", () => {
    const time = fc.integer({ min: 0, max: Date.parse("2099-12-31T23:59:59Z") / 1000 }).map((second) => second * 1000);
    fc.assert(
      fc.property(time, fc.constantFrom(...TRIGGERS), fc.integer({ min: 1, max: 99_999 }), (millis, trigger, attempt) => {
        const id = makeBackupId(millis, trigger, attempt);
        expect(isBackupId(id)).toBe(true);
        expect(backupTime(toBackupId(id))).toBe(millis);
      }),
    );
  });

  it.each([
    "2026-02-29T14-30-00_manual",
    "2026-04-31T14-30-00_manual",
    "2026-00-15T14-30-00_manual",
    "2026-13-15T14-30-00_manual",
    "2026-03-00T14-30-00_manual",
    "2026-03-32T14-30-00_manual",
    "2026-03-15T24-00-00_manual",
    "2026-03-15T14-60-00_manual",
    "2026-03-15T14-30-60_manual",
    "2026-03-15T14-30-00_nothing",
    "2026-03-15T14-30-00_manual-0",
    "2026-03-15T14-30-00_manual-100000",
    "2026-03-15T14-30-00_manual.backup",
    "../2026-03-15T14-30-00_manual",
    "",
  ])("refuses %j", (text) => {
    expect(isBackupId(text)).toBe(false);
  });

  it("takes the 29th of February where there is one", () => {
    expect(["2024", "2000", "2023", "1900"].map((year) => isBackupId(`${year}-02-29T00-00-00_manual`))).toEqual([true, true, false, false]);
  });
});
