import { describe, expect, it } from "vitest";
import { toBackupId } from "./backup-id.ts";
import type { Manifest } from "./manifest.ts";
import { passedOver, resolveBackup } from "./resolve-backup.ts";
import type { BackupHead, Listing } from "./vault.ts";

function head(id: string, options: { ok?: boolean; partial?: boolean; suspect?: boolean } = {}): BackupHead {
  const manifest = {
    trigger: id.split("_")[1]?.replace(/-\d$/, ""),
    not_captured: options.partial === true ? { logs: {} } : {},
    components: ["memory"],
    component_details: { memory: { whole: true, suspect: options.suspect === true } },
  } as unknown as Manifest;
  const verified = { at: "", holdfast_version: "", manifest_sha256: "", entries: 0, bytes: 0, ok: options.ok ?? true };
  return {
    id: toBackupId(id),
    manifest,
    manifestSha256: "",
    marks: options.ok === undefined ? {} : { verified },
    form: "directory",
    location: "",
  };
}

function listing(backups: readonly BackupHead[], rest: Partial<Listing> = {}): Listing {
  return { backups, damaged: [], unfinished: [], foreign: [], missing: [], chain: [], trash: [], ...rest };
}

const NEWEST_FIRST = listing([
  head("2026-03-16T10-00-00_manual"),
  head("2026-03-16T09-00-00_pre-restore", { ok: true }),
  head("2026-03-16T08-00-00_scheduled", { ok: false }),
  head("2026-03-16T07-00-00_scheduled", { ok: true, partial: true }),
  head("2026-03-16T06-00-00_scheduled", { ok: true, suspect: true }),
  head("2026-03-15T06-00-00_scheduled-2", { ok: true }),
  head("2026-03-15T06-00-00_scheduled", { ok: true }),
]);

describe("resolveBackup()", () => {
  it.each([
    ["latest", "2026-03-16T10-00-00_manual"],
    ["latest:verified", "2026-03-15T06-00-00_scheduled-2"],
    ["2026-03-16T09", "2026-03-16T09-00-00_pre-restore"],
    ["2026-03-15T06-00-00_scheduled", "2026-03-15T06-00-00_scheduled"],
    ["2026-03-15T06-00-00_scheduled-", "2026-03-15T06-00-00_scheduled-2"],
  ])("takes %j for %s", (reference, id) => {
    expect(resolveBackup(NEWEST_FIRST, reference).id).toBe(id);
  });

  it("takes for latest no backup from before a restore while there is another, and one of those when there is none", () => {
    const safety = head("2026-03-17T09-00-00_pre-restore");
    expect(resolveBackup({ ...NEWEST_FIRST, backups: [safety, ...NEWEST_FIRST.backups] }, "latest").id).toBe("2026-03-16T10-00-00_manual");
    expect(resolveBackup(listing([safety]), "latest").id).toBe(safety.id);
  });

  it("refuses a prefix of several by name", () => {
    expect(() => resolveBackup(NEWEST_FIRST, "2026-03-15")).toThrow(
      expect.objectContaining({
        code: "BACKUP_AMBIGUOUS",
        details: { ids: ["2026-03-15T06-00-00_scheduled-2", "2026-03-15T06-00-00_scheduled"] },
      }),
    );
  });

  it.each([
    ["lates", NEWEST_FIRST, /latest/],
    ["2026-03-16T10-00-01_manual", NEWEST_FIRST, /2026-03-16T10-00-00_manual/],
    ["something else entirely", NEWEST_FIRST, /newest is "2026-03-16T10-00-00_manual"/],
    ["", NEWEST_FIRST, /newest/],
    ["latest", listing([]), /Take one/],
    ["latest", listing([], { damaged: [{ name: "x", problem: "y" }] }), /cannot be trusted/],
    ["latest:verified", listing([head("2026-03-16T10-00-00_manual")]), /verify 2026-03-16T10-00-00_manual/],
    [
      "2026-01-01T00-00-00_manual",
      listing([], { trash: [{ id: toBackupId("2026-01-01T00-00-00_manual"), removedAt: "", reason: "" }] }),
      /undelete/,
    ],
    [
      "2026-01-01",
      listing([head("2026-03-16T10-00-00_manual")], { damaged: [{ name: "2026-01-01T00-00-00_manual", problem: "y" }] }),
      /cannot be trusted/,
    ],
  ])("does not find %j, and says what to do", (reference, among, hint) => {
    expect(() => resolveBackup(among, reference)).toThrow(
      expect.objectContaining({ code: "BACKUP_NOT_FOUND", hint: expect.stringMatching(hint) as string }),
    );
  });
});

describe("passedOver()", () => {
  const damaged = (...names: readonly string[]): Listing =>
    listing([], { damaged: names.map((name) => ({ name, problem: `of ${name}` })) });
  const restored = { id: toBackupId("2026-03-15T06-00-00_scheduled") };

  it.each(["latest", "latest:verified"])("tells of newer backups that %s could not mean", (reference) => {
    expect(passedOver(damaged("2026-03-15T06-00-01_manual.backup"), reference, restored)).toBe(
      'This is "2026-03-15T06-00-00_scheduled": "2026-03-15T06-00-01_manual.backup" is newer and cannot be read (of 2026-03-15T06-00-01_manual.backup)',
    );
    expect(passedOver(damaged("2026-03-16T06-00-00_manual", "2026-03-17T06-00-00_manual"), reference, restored)).toContain(
      '2 newer ones cannot be read, such as "2026-03-17T06-00-00_manual"',
    );
  });

  it("tells nothing of older ones, of what is no backup, and where one was named", () => {
    expect(passedOver(damaged("2026-03-15T05-59-59_manual.backup", "zzz.mark", "records"), "latest", restored)).toBeUndefined();
    expect(passedOver(damaged("2026-03-17T06-00-00_manual"), restored.id, restored)).toBeUndefined();
    expect(passedOver(listing([]), "latest", restored)).toBeUndefined();
  });
});
