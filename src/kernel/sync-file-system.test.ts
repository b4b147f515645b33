import { chmodSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { syncFileSystem } from "./sync-file-system.ts";

afterEach(() => vi.unstubAllEnvs());

describe("syncFileSystem()", () => {
  it("resolves when the system has flushed the file system of a folder", async () => {
    using folder = temporaryFolder();
    await expect(syncFileSystem(folder.path)).resolves.toBeUndefined();
  });

  it("fails, and says what to install, where there is no `sync`", async () => {
    using folder = temporaryFolder();
    vi.stubEnv("PATH", folder.path);
    await expect(syncFileSystem(folder.path)).rejects.toMatchObject({
      code: "FILE_SYSTEM",
      message: 'Cannot start "sync"',
      hint: expect.stringContaining("coreutils"),
      cause: { code: "ENOENT" },
    });
  });

  it.each([
    ["fails", "echo 'sync: no such option' >&2; exit 1", "sync: no such option"],
    ["fails without a word", "exit 4", "exit code 4"],
    ["is killed", "kill -KILL $$", "SIGKILL"],
  ])("fails when `sync` %s: durability is never given up silently", async (_what, body, reason) => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("sync"), `#!/bin/sh\n${body}\n`);
    chmodSync(folder.join("sync"), 0o755);
    vi.stubEnv("PATH", folder.path);
    await expect(syncFileSystem(folder.path)).rejects.toMatchObject({ code: "FILE_SYSTEM", message: expect.stringContaining(reason) });
  });

  it("flushes the folder asked for, whatever its name", async () => {
    using folder = temporaryFolder();
    const odd = folder.join("-f; touch x");
    symlinkSync(folder.path, odd);
    await syncFileSystem(odd);
    await expect(syncFileSystem(folder.join("not there"))).rejects.toMatchObject({
      code: "FILE_SYSTEM",
      message: expect.stringContaining("not there"),
    });
  });
});
