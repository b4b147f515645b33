import { HostError, lstatAt } from "../kernel/index.ts";
import { newPacksFolder, packsFolder } from "./pack/pack-place.ts";

/**
 * Packs lie on the file system of the manifests that name them: one flush has both on disk, in the order of a commit.
 *
 * @throws HostError FILE_SYSTEM_UNSUPPORTED
 */
export function checkPacksPlace(vault: string): void {
  const top = lstatAt(vault);
  for (const folder of [packsFolder(vault), newPacksFolder(vault)]) {
    const found = lstatAt(folder);
    if (found === undefined || (found.isDirectory() && found.dev === top?.dev)) continue;
    throw new HostError("FILE_SYSTEM_UNSUPPORTED", `"${folder}" is a link, or lies on another file system than the vault`, {
      hint: "Put the whole vault on that disk, and set backup.path to where it is then",
    });
  }
}
