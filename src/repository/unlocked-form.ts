import { existsSync } from "node:fs";
import { DamageError } from "../kernel/index.ts";
import type { StoredForm } from "../local-vault/index.ts";
import type { VaultKeys } from "./keys/epoch-key.ts";
import { keyCopyPath, keyDocumentPath, listEpochs } from "./keys/keys-folder.ts";
import { openKeys } from "./keys/open-keys.ts";
import { readSmallFile } from "./keys/read-small-file.ts";
import type { Secret } from "./keys/secret.ts";
import { readManifestOf } from "./manifest/backup-file.ts";
import { SEALED_FORM } from "./repository-form.ts";

const LARGEST = 1024 * 1024;

/**
 * For a vault whose own document is lost: its manifests can be read, and nothing else of it. The id that the keys name is
 * bound into every slot, so that a wrong one opens nothing.
 */
export function unlockedForm(folder: string, secrets: readonly Secret[]): StoredForm {
  let keys: VaultKeys | undefined;
  return {
    ...SEALED_FORM,
    readManifest: (path, opened) => {
      keys ??= openKeys(folder, vaultOfKeys(folder), secrets);
      return readManifestOf(path, keys, opened);
    },
  };
}

function vaultOfKeys(folder: string): string {
  const [newest] = listEpochs(folder);
  const places = newest === undefined ? [] : [keyDocumentPath(folder, newest), keyCopyPath(folder, newest)];
  for (const path of places) {
    const file = existsSync(path) ? readSmallFile(path, LARGEST) : { problem: "is not there" };
    const vault = "bytes" in file ? idIn(file.bytes) : undefined;
    if (vault !== undefined) return vault;
  }
  throw new DamageError("VAULT_DAMAGED", `The vault "${folder}" has lost the document that says whose it is, and its keys do not say it`, {
    hint: "Bring .vault/vault.json or the folder keys back from a copy of the vault",
  });
}

function idIn(bytes: Uint8Array): string | undefined {
  try {
    const { vault } = JSON.parse(Buffer.from(bytes).toString("utf8")) as { vault?: unknown };
    return typeof vault === "string" && vault !== "" ? vault : undefined;
  } catch {
    return undefined;
  }
}
