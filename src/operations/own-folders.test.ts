import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FAKE_NOW, fakeInstance, NO_RETENTION } from "../../test/support/fake-vault.ts";
import { mountAt } from "../../test/support/mount.ts";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import type { Instance } from "./instance.ts";
import { refuseOwnFolders, vaultAround } from "./own-folders.ts";
import { restore } from "./restore.ts";
import { exportTo } from "./transfer.ts";

/** Its vault must not even be opened. */
function instanceIn(folder: TemporaryFolder): Instance {
  const backup = { path: folder.join("vault"), compression: true, include: [], ...NO_RETENTION };
  return fakeInstance(() => Promise.reject(new Error(`opened at ${FAKE_NOW}`)), { stateDir: folder.join("state"), backup });
}

describe("refuseOwnFolders()", () => {
  it("refuses the vault, the state folder and all below, there or not, and by whatever link", () => {
    using folder = temporaryFolder();
    const { config } = instanceIn(folder);
    for (const made of [false, true]) {
      if (made) {
        for (const name of ["vault", "state", "other/.vault"]) mkdirSync(folder.join(name), { recursive: true });
        writeFileSync(folder.join("other", ".vault", "vault.json"), "{}");
        symlinkSync("vault", folder.join("link"));
        symlinkSync("state", folder.join("state-link"));
      }
      const names = ["vault", "vault/x", "vault/new/x", "state", "state/x"];
      for (const name of made ? [...names, "link", "link/new/x", "state-link/x", "other/x"] : names)
        expect(() => refuseOwnFolders(folder.join(name), config), name).toThrow("would lie in");
      for (const name of ["vault-2/x", "x", "statement"]) expect(() => refuseOwnFolders(folder.join(name), config)).not.toThrow();
    }
  });

  it("knows the vault under a second name that is no link", (context) => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("vault"));
    mkdirSync(folder.join("again"));
    using _ = mountAt(folder.join("again"), ["--bind", folder.join("vault")], context);
    expect(vaultAround(folder.join("again", "x"), folder.join("vault"))).toBe(folder.join("vault"));
  });
});

describe("restore() and exportTo()", () => {
  it("write nothing into the vault or the state folder, and say so before the vault is opened", async () => {
    using folder = temporaryFolder();
    const instance = instanceIn(folder);
    mkdirSync(folder.join("vault"));
    for (const place of ["vault", "vault/x", "state/x"]) {
      const refused = { code: "USAGE", hint: expect.stringContaining("nothing was changed") };
      await expect(restore(instance, "latest", { to: folder.join(place) })).rejects.toMatchObject(refused);
      await expect(exportTo(instance, "latest", folder.join(place))).rejects.toMatchObject(refused);
    }
    expect([existsSync(folder.join("vault", "x")), existsSync(folder.join("state"))]).toEqual([false, false]);
    await expect(restore(instance, "latest", { to: folder.join("out") })).rejects.toThrow("opened at");
  });

  it("exportTo() names a folder that is not there, and one that is none", async () => {
    using folder = temporaryFolder();
    const instance = instanceIn(folder);
    writeFileSync(folder.join("file"), "");
    await expect(exportTo(instance, "latest", folder.join("no", "e.tar.gz"))).rejects.toMatchObject({
      code: "PATH_NOT_FOUND",
      message: `There is no folder "${folder.join("no")}" to write the export into`,
      hint: expect.stringContaining("Make it first"),
    });
    await expect(exportTo(instance, "latest", folder.join("file", "e.tar.gz"))).rejects.toMatchObject({ code: "USAGE" });
  });
});
