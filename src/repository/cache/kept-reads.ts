import { createHash } from "node:crypto";
import { join } from "node:path";
import { makeFolder } from "../../kernel/index.ts";
import type { KeptReads } from "../../local-vault/index.ts";
import { purposeKey } from "../keys/derive.ts";
import type { CachePlace } from "./cache-folder.ts";
import { readSealedFile, writeSealedFile } from "./sealed-file.ts";
import { unlessSystemFails } from "./unless-system-fails.ts";

/** Sealed under a key of the vault, as the manifests are from which it comes. */
export function keptReads({ folder, vault, keys }: CachePlace): KeptReads {
  const path = join(folder, `${createHash("sha256").update(`${vault}|listing`).digest("hex").slice(0, 32)}.listing`);
  const key = (): Buffer => purposeKey(keys.newest.master, "cache");
  const associated = `holdfast listing 1|${vault}`;
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
