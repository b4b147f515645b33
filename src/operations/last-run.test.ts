import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { mountTmpfs } from "../../test/support/mount-tmpfs.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { readLastRun, recordRun, type LastRun } from "./last-run.ts";

const RUN: LastRun = {
  at: "2026-03-15T12:00:00.000Z",
  trigger: "manual",
  ok: false,
  id: null,
  code: "COMPONENT_MISSING",
  message: "Not there",
};

describe("readLastRun()", () => {
  it("gives the newest run that recordRun() wrote, and leaves one file", () => {
    using folder = temporaryFolder();
    expect(readLastRun(folder.path)).toBeNull();
    recordRun(folder.path, RUN);
    recordRun(folder.path, { ...RUN, ok: true, id: "2026-03-15T12-00-00_manual" });
    expect(readLastRun(folder.path)).toEqual({ ...RUN, ok: true, id: "2026-03-15T12-00-00_manual" });
    recordRun(folder.path, RUN);
    expect(readLastRun(folder.path)).toEqual(RUN);
    expect(readdirSync(folder.path)).toEqual(["last-run.json"]);
  });

  it.each(["", "{", "null", "7", "[]", '"text"', "{}", '{"ok":true}', '{"ok":"yes","at":"now"}'])(
    "takes a record that holds %j for one of a run that failed",
    (text) => {
      using folder = temporaryFolder();
      writeFileSync(folder.join("last-run.json"), text);
      expect(readLastRun(folder.path)).toMatchObject({
        ok: false,
        id: null,
        at: expect.stringMatching(/^\d{4}-.*Z$/),
        message: "What became of it could not be written down",
      });
    },
  );

  it("an earlier success does not speak for a run that failed when the disk is full; an earlier failure stays", (test) => {
    using disk = mountTmpfs(64 * 1024, test);
    recordRun(disk.path, { ...RUN, ok: true });
    const free = statfsSync(disk.path);
    writeFileSync(`${disk.path}/filler`, Buffer.alloc(free.bavail * free.bsize));
    expect(() => recordRun(disk.path, { ...RUN, ok: true, id: "later" })).toThrow("ENOSPC");
    expect(readLastRun(disk.path)).toMatchObject({ ok: true });
    expect(() => recordRun(disk.path, RUN)).toThrow("ENOSPC");
    expect(readLastRun(disk.path)).toMatchObject({ ok: false });
    rmSync(`${disk.path}/filler`);
    recordRun(disk.path, { ...RUN, ok: true });
    expect(readLastRun(disk.path)).toEqual({ ...RUN, ok: true });
  });

  it("does not take what cannot be read for one that is not there", () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("last-run.json"));
    expect(() => readLastRun(folder.path)).toThrow("EISDIR");
  });

  it("takes a state folder that is not there for one without a run", () => {
    using folder = temporaryFolder();
    expect(readLastRun(folder.join("none"))).toBeNull();
  });
});
