import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryFolder extends Disposable {
  readonly path: string;
  /** A path inside. */
  join(...names: string[]): string;
}

/** A fresh 0700 folder, gone with everything in it when the scope ends. */
export function temporaryFolder(prefix = "holdfast-test-"): TemporaryFolder {
  const path = mkdtempSync(join(realpathSync(tmpdir()), prefix));
  return {
    path,
    join: (...names) => join(path, ...names),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
