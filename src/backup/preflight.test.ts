import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { backupHead } from "../../test/support/backup-head.ts";
import { mountTmpfs } from "../../test/support/mount-tmpfs.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { BusyError, CaptureError, InterruptedError } from "../kernel/index.ts";
import type { ComponentPlan } from "./component-plan.ts";
import { preflight, refuseOrRecord } from "./preflight.ts";

const NOW = Date.parse("2026-03-15T12:00:00Z");

function plan(name: string, path: string | null, rest: Partial<ComponentPlan> = {}): ComponentPlan {
  return {
    name,
    path,
    command: null,
    kind: undefined,
    importance: undefined,
    exclude: [],
    include: [],
    excludeLarger: undefined,
    excludeCaches: true,
    oneFileSystem: false,
    optional: false,
    group: undefined,
    pause: undefined,
    ...rest,
  };
}

const codeOf = (call: () => unknown): string | undefined => {
  try {
    call();
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("preflight()", () => {
  it("finds out what is there, with its default importance", () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("memory"));
    writeFileSync(folder.join("state.db"), `SQLite format 3\0${"\0".repeat(100)}`);
    writeFileSync(folder.join("company.yaml"), "name: Acme\n");
    const plans = [
      plan("memory", folder.join("memory")),
      plan("persistence", folder.join("state.db")),
      plan("config", folder.join("company.yaml")),
      plan("dump", null, { command: { argv: ["true"], as: "x", timeout: 1000 } }),
      plan("logs", folder.join("memory"), { importance: "medium" }),
    ];
    const { ready, notCaptured, notes } = preflight(plans, { known: [], vaultPath: folder.path, now: NOW, salvage: false });
    expect(ready.map(({ plan: { name }, kind, importance }) => [name, kind, importance])).toEqual([
      ["memory", "tree", "high"],
      ["persistence", "sqlite", "critical"],
      ["config", "file", "critical"],
      ["dump", "command", "critical"],
      ["logs", "tree", "medium"],
    ]);
    expect(notCaptured).toEqual({});
    expect(notes).toEqual([]);
  });

  it("remembers the newest backup that carries the component whole and not suspect", () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("memory"));
    const known = [
      backupHead({ minute: 5, components: { other: {} } }),
      backupHead({ minute: 4, components: { memory: { suspect: true } } }),
      backupHead({ minute: 3, components: { memory: { whole: false } } }),
      backupHead({ minute: 2, components: { memory: {} } }),
      backupHead({ minute: 1, components: { memory: {} } }),
    ];
    expect(
      preflight([plan("memory", folder.join("memory"))], { known, vaultPath: folder.path, now: NOW, salvage: false }).ready[0]?.newestGood,
    ).toBe(known[3]);
  });

  it.each([
    ["critical by its declaration", { importance: "critical" }, "notes", undefined],
    ["a file by its name", {}, "state.db", undefined],
    ["a database by its kind", { kind: "sqlite" }, "notes", undefined],
    ["a file in its newest good backup", {}, "notes", "file"],
  ] as const)("makes no backup when what is missing is %s", (_what, rest, file, before) => {
    using folder = temporaryFolder();
    const known = before === undefined ? [] : [backupHead({ components: { it: { source: before } } })];
    expect(
      codeOf(() => preflight([plan("it", folder.join(file), rest)], { known, vaultPath: folder.path, now: NOW, salvage: false })),
    ).toBe("COMPONENT_MISSING");
  });

  it.each([
    ["high by its declaration", { importance: "high" }, "state.db", "high"],
    ["medium by its declaration", { importance: "medium" }, "state.db", "medium"],
    ["a folder by its name", {}, "notes", "high"],
    ["a tree by its kind", { kind: "tree" }, "notes.d", "high"],
  ] as const)("records what is missing and is %s", (_what, rest, file, importance) => {
    using folder = temporaryFolder();
    const { ready, notCaptured } = preflight([plan("it", folder.join(file), rest)], {
      known: [],
      vaultPath: folder.path,
      now: NOW,
      salvage: false,
    });
    expect(ready).toEqual([]);
    expect(notCaptured).toEqual({
      it: { importance, code: "COMPONENT_MISSING", reason: `Component "it" is not there: "${folder.join(file)}"` },
    });
  });

  it("a folder that was a tree in its newest good backup is a folder, also with a dot in its name", () => {
    using folder = temporaryFolder();
    const known = [backupHead({ components: { it: { source: "tree" } } })];
    expect(
      preflight([plan("it", folder.join("conf.d"))], { known, vaultPath: folder.path, now: NOW, salvage: false }).notCaptured,
    ).toMatchObject({
      it: { importance: "high" },
    });
  });

  it("only notes what is missing and optional, and no other trouble of it", () => {
    using folder = temporaryFolder();
    const optional = { optional: true, importance: "critical" } as const;
    const { ready, notCaptured, notes } = preflight([plan("it", folder.join("gone"), optional)], {
      known: [],
      vaultPath: folder.path,
      now: NOW,
      salvage: false,
    });
    expect([ready, notCaptured, notes]).toEqual([[], {}, ["it: not there, and optional"]]);
    const unresolved = new CaptureError("COMPONENT_PATH", "A pointer leads nowhere");
    expect(
      codeOf(() =>
        preflight([plan("it", null, { ...optional, unresolved })], { known: [], vaultPath: folder.path, now: NOW, salvage: false }),
      ),
    ).toBe("COMPONENT_PATH");
  });

  it("takes a path below a file for one that is not there", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("file"), "");
    expect(
      codeOf(() => preflight([plan("it", folder.join("file", "x.db"))], { known: [], vaultPath: folder.path, now: NOW, salvage: false })),
    ).toBe("COMPONENT_MISSING");
  });

  it("does not take a link that leads nowhere for a component", () => {
    using folder = temporaryFolder();
    symlinkSync("nowhere", folder.join("link.db"));
    expect(
      codeOf(() => preflight([plan("it", folder.join("link.db"))], { known: [], vaultPath: folder.path, now: NOW, salvage: false })),
    ).toMatch(/^COMPONENT_/);
  });

  it("says that the clock stands before the newest backup", () => {
    const head = backupHead({ minute: 13 * 60, components: { memory: {} } });
    expect(preflight([], { known: [head], vaultPath: "/", now: NOW, salvage: false }).notes).toEqual([
      `the clock says 2026-03-15T12:00:00.000Z, and backup ${head.id} is from later than that`,
    ]);
    expect(preflight([], { known: [head], vaultPath: "/", now: NOW + 3_600_000, salvage: false }).notes).toEqual([]);
  });

  it("refuses to begin when the copies of the databases do not fit beside the vault", (context) => {
    using folder = temporaryFolder();
    using vault = mountTmpfs(1024 * 1024, context);
    writeFileSync(folder.join("large.db"), `SQLite format 3\0${"\0".repeat(100)}`);
    truncateSync(folder.join("large.db"), 2_000_000);
    const plans = [plan("persistence", folder.join("large.db"), { importance: "medium" })];
    expect(codeOf(() => preflight(plans, { known: [], vaultPath: vault.path, now: NOW, salvage: false }))).toBe("NO_SPACE");
    truncateSync(folder.join("large.db"), 500_000);
    expect(preflight(plans, { known: [], vaultPath: vault.path, now: NOW, salvage: false }).ready).toHaveLength(1);
  });
});

describe("refuseOrRecord()", () => {
  const missing = new CaptureError("COMPONENT_MISSING", "Not there");

  it("throws what a critical component fails with, and records what others fail with", () => {
    expect(() => refuseOrRecord("critical", missing, false)).toThrow(missing);
    expect(refuseOrRecord("critical", missing, true)).toEqual({ importance: "critical", code: "COMPONENT_MISSING", reason: "Not there" });
    expect(refuseOrRecord("high", missing, false)).toEqual({ importance: "high", code: "COMPONENT_MISSING", reason: "Not there" });
    expect(refuseOrRecord("medium", missing, false)).toEqual({ importance: "medium", code: "COMPONENT_MISSING", reason: "Not there" });
  });

  it.each([new BusyError("VAULT_BUSY", "Busy"), new InterruptedError("INTERRUPTED", "Stopped"), new InterruptedError("DEADLINE", "Late")])(
    "never records $code: the run itself is at an end",
    (failure) => {
      for (const importance of ["critical", "high", "medium"] as const)
        expect(() => refuseOrRecord(importance, failure, false)).toThrow(failure);
    },
  );
});
