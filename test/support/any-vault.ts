import { openArchiveVault } from "../../src/archive/index.ts";
import type { LocalVault } from "../../src/local-vault/index.ts";
import { openRepositoryVault } from "../../src/repository/index.ts";
import type { StoredFormName } from "./stored-forms.ts";

/** A vault at a path whose backups lie there in that way; made when nothing is there. A repository has its cache beside it. */
export async function openAnyVault(path: string, form: StoredFormName): Promise<LocalVault> {
  const common = { path, instance: { name: "contract" }, create: true };
  if (form === "repository") return await openRepositoryVault({ ...common, secrets: [{ kind: "none" }], cacheFolder: `${path}.cache` });
  return await openArchiveVault({ ...common, compression: form === "tar.gz" });
}
