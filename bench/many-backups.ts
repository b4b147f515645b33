import { readKeyFile } from "../src/repository/index.ts";
import { multiplySealed, type ManyBackups } from "../test/support/multiply-sealed.ts";

/** Of a vault that a key file opens: see multiplySealed(). */
export function multiplyRepository(vault: string, keyFile: string, many: ManyBackups): number {
  return multiplySealed(vault, [readKeyFile(keyFile)], many);
}
