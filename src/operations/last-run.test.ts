import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
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
    "a record that holds %j hides nothing of the vault: there is no run",
    (text) => {
      using folder = temporaryFolder();
      writeFileSync(folder.join("last-run.json"), text);
      expect(readLastRun(folder.path)).toBeNull();
    },
  );

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
