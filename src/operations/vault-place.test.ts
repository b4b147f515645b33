import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, type TestContext } from "vitest";
import { asUser } from "../../test/support/as-user.ts";
import { mountTmpfs, type TmpfsMount } from "../../test/support/mount-tmpfs.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { chooseVaultPlace } from "./vault-place.ts";

const HOME_PLACE = { path: "/var/backups/holdfast/acme", why: expect.stringContaining("no second disk") };

/** Another file system, in a place where a disk could be; /tmp is none. */
const secondDisk = (context: TestContext): TmpfsMount => mountTmpfs(1024 * 1024, context, "/var/tmp/holdfast disk-");
/** A line of /proc/self/mounts, where a space is \040. */
const line = (point: string, kind = "ext4", options = "rw,relatime"): string =>
  `/dev/sdb1 ${point.replaceAll(" ", "\\040")} ${kind} ${options} 0 0`;

describe("chooseVaultPlace()", () => {
  it("takes another disk that is mounted and writable, and says so", (context) => {
    using folder = temporaryFolder();
    using disk = secondDisk(context);
    const mounts = [line("/"), line("/proc", "proc"), line(disk.path), ""].join("\n");
    expect(chooseVaultPlace(folder.path, "acme", mounts)).toEqual({
      path: join(disk.path, "holdfast", "acme"),
      why: `on another disk, mounted at "${disk.path}"`,
    });
    expect(() => statSync(join(disk.path, "holdfast"))).toThrow("ENOENT");
  });

  it.for([
    ["is mounted read-only", (path: string) => line(path, "ext4", "ro,relatime")],
    ["is no disk", (path: string) => line(path, "tmpfs")],
    ["is on the network", (path: string) => line(path, "nfs4")],
    ["is a FUSE file system", (path: string) => line(path, "fuse.sshfs")],
  ] as const)("passes over one that %s", ([, mounted], context) => {
    using folder = temporaryFolder();
    using disk = secondDisk(context);
    expect(chooseVaultPlace(folder.path, "acme", mounted(disk.path))).toMatchObject(HOME_PLACE);
    expect(chooseVaultPlace(folder.path, "acme", line(disk.path))).not.toMatchObject(HOME_PLACE);
  });

  it("passes over a mount that is the same disk, the one that holds the protected folder, and one that is gone", (context) => {
    using folder = temporaryFolder();
    using disk = secondDisk(context);
    const same = mkdtempSync("/var/tmp/holdfast-same-");
    mkdirSync(join(disk.path, "state"));
    try {
      expect(chooseVaultPlace(folder.path, "acme", [line(same), line("/var/tmp/no such disk")].join("\n"))).toMatchObject(HOME_PLACE);
      expect(chooseVaultPlace(join(disk.path, "state"), "acme", line(disk.path))).toMatchObject(HOME_PLACE);
      expect(chooseVaultPlace(disk.path, "acme", line(disk.path))).toMatchObject(HOME_PLACE);
    } finally {
      rmSync(same, { recursive: true });
    }
  });

  it.each([
    "/",
    "/boot",
    "/boot/efi",
    "/home",
    "/root/disk",
    "/tmp/disk",
    "/run/user/0",
    "/var/lib/docker/overlay2",
    "/usr",
    "/proc/x",
    "/dev/shm",
    "/snap/core/1",
  ])("passes over the system's own %s", (point) => {
    using folder = temporaryFolder();
    expect(chooseVaultPlace(folder.path, "acme", line(point))).toMatchObject(HOME_PLACE);
  });

  it("reads the mounts of this machine, and warns that one disk holds both when there is no other", () => {
    using folder = temporaryFolder();
    const { path, why } = chooseVaultPlace(folder.path, "acme");
    expect(path).toMatch(/^\/.*\/holdfast\/acme$/);
    expect(why).toMatch(/^(on another disk, mounted at|no second disk is mounted)/);
    expect(chooseVaultPlace(folder.path, "acme", "")).toMatchObject(HOME_PLACE);
  });

  it.each([
    ["its data folder", { XDG_DATA_HOME: "/srv/data" }, "/srv/data/holdfast/acme"],
    ["the home folder when there is none", { XDG_DATA_HOME: undefined }, "/home/somebody/.local/share/holdfast/acme"],
    ["the home folder when it is empty", { XDG_DATA_HOME: "" }, "/home/somebody/.local/share/holdfast/acme"],
    [
      "the home folder when it is relative, as the specification of it says",
      { XDG_DATA_HOME: "data" },
      "/home/somebody/.local/share/holdfast/acme",
    ],
  ])("gives another account %s", async (_what, env, path) => {
    using folder = temporaryFolder();
    execFileSync("chmod", ["755", folder.path]);
    const code = `import { chooseVaultPlace } from ${JSON.stringify(new URL("./vault-place.ts", import.meta.url).href)}; console.log(chooseVaultPlace(${JSON.stringify(folder.path)}, "acme", "").path)`;
    const { stdout, stderr } = await asUser(65_534, [process.execPath, "--input-type=module", "-e", code], {
      env: { HOME: "/home/somebody", ...env },
    });
    expect(stderr).toBe("");
    expect(stdout.trim()).toBe(path);
  });

  it("passes over a disk that this account may not write to", async (context) => {
    using folder = temporaryFolder();
    using disk = secondDisk(context);
    execFileSync("chmod", ["755", folder.path]);
    const code = `import { chooseVaultPlace } from ${JSON.stringify(new URL("./vault-place.ts", import.meta.url).href)}; console.log(chooseVaultPlace(${JSON.stringify(folder.path)}, "acme", ${JSON.stringify(line(disk.path))}).path)`;
    expect(
      (
        await asUser(65_534, [process.execPath, "--input-type=module", "-e", code], {
          env: { HOME: "/home/somebody", XDG_DATA_HOME: undefined },
        })
      ).stdout.trim(),
    ).toBe("/home/somebody/.local/share/holdfast/acme");
  });
});
