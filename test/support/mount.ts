import { execFileSync } from "node:child_process";
import type { TestContext } from "vitest";

/**
 * Mounts something at a folder until the scope ends. Where mounting is not permitted the test is skipped, and says so.
 *
 * @param args for mount(8), without the folder: `["--bind", source]`
 */
export function mountAt(folder: string, args: readonly string[], test: Pick<TestContext, "skip">): Disposable {
  try {
    execFileSync("mount", [...args, folder], { stdio: "pipe" });
  } catch (error) {
    const reason = `cannot mount here: ${error instanceof Error ? error.message.trim() : String(error)}`;
    console.warn(`SKIPPED: ${reason}`);
    test.skip(reason);
    throw error;
  }
  // Lazy, so that a descriptor that a failed test left open does not keep the mount.
  return { [Symbol.dispose]: () => execFileSync("umount", ["--lazy", folder], { stdio: "pipe" }) };
}
