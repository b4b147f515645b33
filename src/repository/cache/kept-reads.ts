import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, HoldfastError, makeFolder } from "../../kernel/index.ts";
import type { KeptReads } from "../../local-vault/index.ts";
import { openText, purposeKey, sealText } from "../keys/derive.ts";
import type { CachePlace } from "./cache-folder.ts";

/** Sealed under a key of the vault, as the manifests are from which it comes. */
export function keptReads({ folder, vault, keys }: CachePlace): KeptReads {
  const path = join(folder, `${createHash("sha256").update(`${vault}|listing`).digest("hex").slice(0, 32)}.listing`);
  const key = (): Buffer => purposeKey(keys.newest.master, "cache");
  const associated = `holdfast listing 1|${vault}`;
  return {
    load: () => {
      try {
        return openText(key(), readFileSync(path), associated);
      } catch (error) {
        if (errnoOf(error) === undefined) throw error;
        return undefined;
      }
    },
    save: (bytes) => {
      const fresh = `${path}.${process.pid}.new`;
      try {
        makeFolder(folder);
        // Not flushed: what a power cut leaves of it does not open.
        writeFileSync(fresh, sealText(key(), bytes, associated), { mode: 0o600 });
        renameSync(fresh, path);
      } catch (error) {
        rmSync(fresh, { force: true });
        if (errnoOf(error) === undefined && !(error instanceof HoldfastError)) throw error;
      }
    },
  };
}
