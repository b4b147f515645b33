import { createHash } from "node:crypto";
import { join } from "node:path";
import { makeFolder } from "../../kernel/index.ts";
import { purposeKey } from "../keys/derive.ts";
import type { CachePlace } from "./cache-folder.ts";
import { readSealedFile, writeSealedFile } from "./sealed-file.ts";
import { unlessSystemFails } from "./unless-system-fails.ts";

/** What is kept of a vault as a whole: a hint, sealed under a key of the vault, as the manifests are from which it comes. */
export interface VaultFile {
  /** undefined when there is none, or it is not as it was written. */
  load(): Buffer | undefined;
  /** Where it cannot be written there is none. */
  save(bytes: Uint8Array): void;
}

export function vaultFile({ folder, vault, keys }: CachePlace, name: "listing" | "sound"): VaultFile {
  const path = join(folder, `${createHash("sha256").update(`${vault}|${name}`).digest("hex").slice(0, 32)}.${name}`);
  const key = (): Buffer => purposeKey(keys.newest.master, "cache");
  const associated = `holdfast ${name} 1|${vault}`;
  return {
    load: () => unlessSystemFails(() => readSealedFile(path, key(), associated)),
    save: (bytes) => {
      unlessSystemFails(() => {
        makeFolder(folder);
        writeSealedFile(path, `${path}.${process.pid}.new`, key(), bytes, associated);
      });
    },
  };
}
