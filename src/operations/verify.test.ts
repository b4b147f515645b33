import { describe, expect, it } from "vitest";
import { fakeReader } from "../../test/support/fake-reader.ts";
import { backupHead } from "../../test/support/backup-head.ts";
import { FAKE_NOW, fakeInstance, fakeVault, type FakeVault } from "../../test/support/fake-vault.ts";
import { HostError } from "../kernel/index.ts";
import type { BackupReader, Listing } from "../vault/index.ts";
import { verify, type VerifyOptions, type VerifyReport } from "./verify.ts";

const GOOD = (): BackupReader => fakeReader({ memory: {} }, [["memory"], ["memory/a", { content: "12345" }]]);
const DAMAGED = (): BackupReader => fakeReader({ memory: {} }, [["memory"], ["memory/a", { content: "12345", damaged: true }]]);
const EMPTY = (): BackupReader => fakeReader({ memory: {} }, []);

/** Backups newest first, one per reader. */
async function verified(
  readers: readonly BackupReader[],
  options: VerifyOptions = {},
  listing: Partial<Listing> = {},
): Promise<{ report: VerifyReport; vault: FakeVault }> {
  const backups = readers.map((_, index) => backupHead({ minute: readers.length - index, components: { memory: {} } }));
  const vault = fakeVault({ backups, ...listing }, Object.fromEntries(backups.map(({ id }, index) => [id, readers[index] ?? GOOD()])));
  return { report: await verify(fakeInstance(vault, { stateDir: "/nowhere" }), options), vault };
}

describe("verify()", () => {
  it("reads the newest back and leaves the verdict beside it", async () => {
    const { report, vault } = await verified([GOOD(), GOOD()]);
    const { id, manifestSha256 } = backupHead({ minute: 2 });
    expect(report).toEqual({ results: [{ id, ok: true, entries: 2, bytes: 5, problem: null }], vault: [] });
    expect(vault.changes).toEqual([
      [
        "mark",
        id,
        "verified",
        {
          at: new Date(FAKE_NOW).toISOString(),
          holdfast_version: expect.any(String),
          manifest_sha256: manifestSha256,
          entries: 2,
          bytes: 5,
          ok: true,
        },
      ],
    ]);
  });

  it.each([
    ["does not read back", DAMAGED(), '"a" does not read back'],
    ["holds nothing", EMPTY(), /holds no entry/],
  ])("records that one %s, and goes on with the others", async (_what, bad, problem) => {
    const { report, vault } = await verified([bad, GOOD()], { all: true });
    const matching = problem instanceof RegExp ? expect.stringMatching(problem) : problem;
    expect(report.results).toMatchObject([{ ok: false, problem: matching }, { ok: true }]);
    expect(vault.changes.map(([, , , mark]) => mark)).toMatchObject([{ ok: false, problem: matching }, { ok: true }]);
  });

  it("leaves no verdict when reading was not possible: only damage is one", async () => {
    const unreadable: BackupReader = {
      ...GOOD(),
      // oxlint-disable-next-line require-yield -- it fails before anything comes
      async *read() {
        throw new HostError("FILE_SYSTEM", "The disk does not answer");
      },
    };
    const backups = [backupHead({ components: { memory: {} } })];
    const vault = fakeVault({ backups }, { [backups[0]?.id ?? ""]: unreadable });
    await expect(verify(fakeInstance(vault, { stateDir: "/nowhere" }))).rejects.toMatchObject({ code: "FILE_SYSTEM" });
    expect(vault.changes).toEqual([]);
  });

  it("stops when it is told to, and leaves no verdict", async () => {
    const abort = new AbortController();
    const reader = fakeReader({ memory: {} }, [["memory"], ["memory/a", { content: "1" }], ["memory/b", { content: "2" }]]);
    const backup = backupHead({ components: { memory: {} } });
    const vault = fakeVault({ backups: [backup] }, { [backup.id]: reader });
    const stopped = verify(fakeInstance(vault, { stateDir: "/nowhere" }), {
      signal: abort.signal,
      onBytes: () => abort.abort(new Error("enough")),
    });
    await expect(stopped).rejects.toThrow("enough");
    expect(vault.changes).toEqual([]);
  });

  it("tells what is wrong with the vault itself, also when there is no backup", async () => {
    const { report } = await verified(
      [],
      { all: true },
      { damaged: [{ name: "x", problem: "no manifest" }], missing: [4], chain: ["the chain breaks at 5"] },
    );
    expect(report).toEqual({
      results: [],
      vault: ["x: no manifest", "backup number 4 is gone, and no removal record names it", "the chain breaks at 5"],
    });
    await expect(verified([])).rejects.toMatchObject({ code: "BACKUP_NOT_FOUND" });
  });
});
