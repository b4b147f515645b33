import { execFileSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "vitest";

export interface TmpfsMount extends Disposable {
  readonly path: string;
}

/** A file system of its own with so many bytes, to fill up. Where mounting is not permitted the test is skipped, and says so. */
export function mountTmpfs(sizeBytes: number, test: Pick<TestContext, "skip">, prefix: string = join(realpathSync(tmpdir()), "holdfast-tmpfs-")): TmpfsMount {
  const path = mkdtempSync(prefix);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeBytes},mode=0700`, "holdfast-test", path], { stdio: "pipe" });
  } catch (error) {
    rmdirSync(path);
    const reason = `cannot mount a tmpfs here: ${error instanceof Error ? error.message.trim() : String(error)}`;
    console.warn(`SKIPPED: ${reason}`);
    test.skip(reason);
    throw error;
  }
  return {
    path,
    [Symbol.dispose]: () => {
      // Lazy, so that a descriptor that a failed test left open does not keep the mount.
      execFileSync("umount", ["--lazy", path], { stdio: "pipe" });
      rmdirSync(path);
    },
  };
}
