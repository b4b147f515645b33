import { readdirSync, utimesSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ledgerProcess } from "../../test/support/ledger-process.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { openLedger } from "./open-ledger.ts";
import { bePresent, isPresent, sweepPresences } from "./presence.ts";

describe("bePresent()", () => {
  it("is seen by this process and by others for as long as it lasts", async () => {
    using folder = temporaryFolder();
    const presence = bePresent(folder.path);
    expect(isPresent(folder.path, presence.id)).toBe(true);
    await using other = await ledgerProcess(folder.path);
    expect(isPresent(folder.path, other.presence)).toBe(true);
    // To look does not end it.
    expect(isPresent(folder.path, presence.id)).toBe(true);
    presence[Symbol.dispose]();
    expect(isPresent(folder.path, presence.id)).toBe(false);
    presence[Symbol.dispose]();
  });

  it("ends with a process that is killed, at once, and what it supervised is supervised no more", async () => {
    using folder = temporaryFolder();
    using ledger = openLedger(folder.path, () => {});
    ledger.ensureTasks(["a"], 1);
    await using other = await ledgerProcess(folder.path);
    expect(await other.claim("a", 2, null)).toBe(2);
    const [run] = ledger.running();
    if (run === undefined) throw new Error("It was not written down");
    expect(ledger.isSupervised(run)).toBe(true);
    await other.kill();
    expect(ledger.isSupervised(run)).toBe(false);
    expect(isPresent(folder.path, other.presence)).toBe(false);
  });

  it("of somebody who never was is none", () => {
    using folder = temporaryFolder();
    expect(isPresent(folder.path, "nobody")).toBe(false);
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

describe("sweepPresences()", () => {
  it("takes away what killed processes left, and nobody who is there, and nothing else", async () => {
    using folder = temporaryFolder();
    sweepPresences(folder.path);
    using present = bePresent(folder.path);
    await using other = await ledgerProcess(folder.path);
    await using killed = await ledgerProcess(folder.path);
    await killed.kill();
    writeFileSync(folder.join("present", "note"), "");
    // Of one that was killed before it had its name, an hour ago, and of one that is about to have it.
    const [old, young] = ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"];
    for (const id of [old, young]) writeFileSync(folder.join("present", `.${id}`), "");
    utimesSync(folder.join("present", `.${old}`), 1, 1);
    sweepPresences(folder.path);
    const left = readdirSync(folder.join("present")).filter((name) => !name.endsWith("-journal"));
    expect(left.toSorted()).toEqual([present.id, other.presence, "note", `.${young}`].toSorted());
    expect(readdirSync(folder.join("present")).some((name) => name.includes(killed.presence))).toBe(false);
    expect(isPresent(folder.path, other.presence)).toBe(true);
  });
});
