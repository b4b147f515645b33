import { mkdtempSync, realpathSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "vitest";
import { mountAt } from "./mount.ts";

export interface TmpfsMount extends Disposable {
  readonly path: string;
}

/** A file system of its own with so many bytes, to fill up. Where mounting is not permitted the test is skipped, and says so. */
export function mountTmpfs(
  sizeBytes: number,
  test: Pick<TestContext, "skip">,
  prefix: string = join(realpathSync(tmpdir()), "holdfast-tmpfs-"),
): TmpfsMount {
  const path = mkdtempSync(prefix);
  let mount: Disposable;
  try {
    mount = mountAt(path, ["-t", "tmpfs", "-o", `size=${sizeBytes},mode=0700`, "holdfast-test"], test);
  } catch (error) {
    rmdirSync(path);
    throw error;
  }
  return {
    path,
    [Symbol.dispose]: () => {
      mount[Symbol.dispose]();
      rmdirSync(path);
    },
  };
}
