import { describe, expect, it } from "vitest";
import { openArchiveVault } from "../../test/support/archive.ts";
import { CHECKOUT } from "../../test/support/holdfast.ts";
import { runProgram } from "../../test/support/run-program.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { readAll, takeBackupOf } from "../testing/index.ts";
import { layoutOf } from "./layout.ts";
import { lockVault } from "./vault-lock.ts";

describe("lockVault()", () => {
  it("keeps another process out although this one opens and closes the lock meanwhile", async () => {
    using folder = temporaryFolder();
    const path = folder.join("vault");
    await using vault = await openArchiveVault({ path, instance: { name: "contract" }, compression: false, create: true });
    const again = [process.execPath, `${CHECKOUT}/test/support/vault-process.ts`, path, "directory", "backup"];
    const head = await takeBackupOf(vault, { a: "a" }, 0);
    {
      await using _ = await vault.begin({ trigger: "manual", time: 0 });
      await readAll(vault, head.id);
      const refused = await runProgram(again);
      expect(refused.exitCode).not.toBe(0);
      expect(refused.stderr).toContain(`a backup (process ${process.pid}`);
    }
    expect((await runProgram(again)).stdout).toBe("done\n");
  });

  it("lets readers and one writer in, and says who holds it", async () => {
    using folder = temporaryFolder();
    await using _ = await openArchiveVault({
      path: folder.join("vault"),
      instance: { name: "contract" },
      compression: false,
      create: true,
    });
    const layout = layoutOf(folder.join("vault"), []);
    using write = await lockVault(layout, { mode: "write", what: "a test" });
    using first = await lockVault(layout, { mode: "shared", what: "a reader" });
    using second = await lockVault(layout, { mode: "shared", what: "a reader" });
    await expect(lockVault(layout, { mode: "write", what: "another" })).rejects.toMatchObject({
      code: "VAULT_BUSY",
      message: expect.stringContaining(`a test (process ${process.pid}`) as string,
      details: { pid: process.pid, what: "a test" },
    });
    write[Symbol.dispose]();
    await expect(lockVault(layout, { mode: "exclusive", what: "a sweep" })).rejects.toMatchObject({ code: "VAULT_BUSY" });
    first[Symbol.dispose]();
    second[Symbol.dispose]();
    using all = await lockVault(layout, { mode: "exclusive", what: "a sweep" });
    await expect(lockVault(layout, { mode: "shared", what: "a reader", wait: 60 })).rejects.toMatchObject({ code: "VAULT_BUSY" });
    expect(all.mode).toBe("exclusive");
  });
});
