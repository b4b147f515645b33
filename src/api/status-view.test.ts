import { describe, expect, it } from "vitest";
import { backupHead } from "../../test/support/backup-head.ts";
import { fakeInstance, fakeVault } from "../../test/support/fake-vault.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import type { Instance } from "../operations/index.ts";
import { statusView } from "./status-view.ts";

/** An instance that counts how often its vault is looked into. */
function counted(stateDir: string): { readonly instance: Instance; readonly looks: () => number } {
  let looks = 0;
  const instance = fakeInstance(
    async () => {
      looks += 1;
      return fakeVault({ backups: [backupHead({ minute: looks })] });
    },
    { stateDir },
  );
  return { instance, looks: () => looks };
}

describe("statusView()", () => {
  it("shares one look among all who ask at once, and makes a new one for who asks later", async () => {
    using folder = temporaryFolder();
    const { instance, looks } = counted(folder.path);
    const view = statusView(() => instance);
    await Promise.all([view.now(), view.now(), view.recent()]);
    expect(looks()).toBe(1);
    await view.now();
    expect(looks()).toBe(2);
  });

  it("gives what it saw a moment ago, looks again behind it, and never gives what is too old or was forgotten", async () => {
    using folder = temporaryFolder();
    const { instance, looks } = counted(folder.path);
    let clock = 0;
    const view = statusView(
      () => instance,
      () => clock,
    );
    const newest = async (): Promise<string | null> => (await view.recent()).newest;
    expect(await newest()).toBe("2026-03-15T00-01-00_manual");
    clock = 1999;
    expect([await newest(), looks()]).toEqual(["2026-03-15T00-01-00_manual", 1]);
    clock = 2001;
    expect(await newest()).toBe("2026-03-15T00-01-00_manual");
    await expect.poll(looks, { timeout: 30_000 }).toBe(2);
    await expect.poll(newest, { timeout: 30_000 }).toBe("2026-03-15T00-02-00_manual");
    clock = 100_000;
    expect(await newest()).toBe("2026-03-15T00-03-00_manual");
    view.forget();
    expect(await newest()).toBe("2026-03-15T00-04-00_manual");
  });
});
