import { describe, expect, it } from "vitest";
import { backupHead } from "../../test/support/backup-head.ts";
import { fakeInstance, fakeVault, NO_RETENTION } from "../../test/support/fake-vault.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import type { BackupHead, PackLook, Vault } from "../vault/index.ts";
import type { Instance } from "./instance.ts";
import { recordedDamage } from "./recorded-damage.ts";
import { status } from "./status.ts";

const GOOD = backupHead({ minute: 2, components: { db: {}, notes: {} } });
const OLDER = backupHead({ minute: 1, components: { db: {}, notes: {} } });

function instanceOf(
  stateDir: string,
  lookAtPacks: NonNullable<Vault["lookAtPacks"]>,
  backups: readonly BackupHead[] = [GOOD, OLDER],
): Instance {
  const backup = { ...NO_RETENTION, path: "/vault", compression: true, include: ["db", "notes"] };
  return fakeInstance({ ...fakeVault({ backups }), lookAtPacks }, { stateDir, backup });
}

describe("status(), of packs", () => {
  it("asks once about the newest good backup that all components share, and about no other", async () => {
    using folder = temporaryFolder();
    const asked: (readonly string[])[] = [];
    const whole = async (ids: readonly string[]): Promise<undefined> => void asked.push(ids);
    expect(await status(instanceOf(folder.path, whole))).toMatchObject({ safe: true, problems: [] });
    expect(asked).toEqual([[GOOD.id]]);
  });

  it("is not safe without them, whatever else is said of the component", async () => {
    using folder = temporaryFolder();
    const packs: PackLook = { lost: [{ name: "a", is: "changed", backups: [GOOD.id] }], untold: [] };
    const lost = async (): Promise<PackLook> => packs;
    const report = await status(instanceOf(folder.path, lost));
    const problem = `${GOOD.id} is not whole any more: 1 pack has another length`;
    expect(report).toMatchObject({ safe: false, components: [{ problem }, { problem }] });
    const suspect = backupHead({ minute: 3, components: { db: { suspect: true } } });
    const worse = await status(instanceOf(folder.path, lost, [suspect, GOOD]));
    expect(worse.components[0]?.problem).toBe(`the database is damaged; newest good is ${GOOD.id}; ${problem}`);
    const untold = async (): Promise<PackLook> => ({ lost: [], untold: [{ id: GOOD.id, problem: "it is cut off" }] });
    expect(await status(instanceOf(folder.path, untold))).toMatchObject({ safe: false });
  });

  it("says everything else also where packs cannot be looked at", async () => {
    using folder = temporaryFolder();
    const failing = async (): Promise<PackLook> => await Promise.reject(Object.assign(new Error("no"), { code: "EACCES" }));
    expect(await status(instanceOf(folder.path, failing))).toMatchObject({
      backups: 2,
      safe: true,
      problems: [expect.stringMatching(/^packs: Cannot look at the packs/)],
    });
  });
});

describe("recordedDamage()", () => {
  const head = (minute: number, ok?: boolean): BackupHead => {
    const verified = { at: "", holdfast_version: "", manifest_sha256: "", entries: 0, bytes: 0 };
    return backupHead({ minute, marks: ok === undefined ? {} : { verified: { ...verified, ok } } });
  };
  const lineOf = (...backups: BackupHead[]): string | undefined => recordedDamage({ backups })?.line;

  it("counts what did not read back, and names the newest of it", () => {
    expect(lineOf()).toBeUndefined();
    expect(lineOf(head(2), head(1, true))).toBeUndefined();
    expect(lineOf(head(1, false))).toBe(`The only backup, ${head(1).id}, is recorded as damaged`);
    expect(lineOf(head(2, true), head(1, false))).toBe(`1 of 2 backups is recorded as damaged: ${head(1).id}`);
    expect(lineOf(head(3), head(2, false), head(1, false))).toBe(
      `2 of 3 backups are recorded as damaged, the newest of them ${head(2).id}`,
    );
  });
});
