import { lstatSync } from "node:fs";
import { ConfigError } from "../kernel/index.ts";
import type { StoredForm, VaultForm } from "../local-vault/index.ts";
import { checkPacksPlace } from "./check-packs-place.ts";
import { refuseOlderKeys } from "./newest-epoch.ts";
import { readBackupFile } from "./manifest/backup-file.ts";
import { RepositoryReader } from "./read/repository-reader.ts";
import { removeUnfinishedPacks } from "./store/frame-store.ts";
import { RepositoryBody, SEALED_NAME, type BodyPlace } from "./store/repository-body.ts";
import { freedBy, sweepPacks } from "./sweep-packs.ts";

type RepositoryPlace = Omit<BodyPlace, "now"> & {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
};

/** How a sealed backup lies in a vault, for who has no key: it can be told by its name, and by nothing else. */
export const SEALED_FORM: StoredForm = {
  name: "repository",
  suffix: ".backup",
  isFolder: false,
  draftNames: [SEALED_NAME],
  besideNames: ["packs", "keys"],
  headOf: (path) => path,
  readManifest: refuse,
  open: refuse,
};

function refuse(path: string): never {
  throw new ConfigError("KEY_MISSING", `"${path}" is sealed, and no key was given`, { hint: "Name the key file in backup.encryption" });
}

/** Backups as sealed manifests that say where in the packs everything is. */
export function repositoryForm(place: RepositoryPlace): VaultForm {
  const { folder, keys, now } = place;
  const sealed: StoredForm = {
    ...SEALED_FORM,
    readManifest: (path) => {
      // Gone is not damaged: a listing looks again.
      lstatSync(path);
      return Buffer.from(readBackupFile(path, keys, ["manifest"]).manifest);
    },
    open: (path, parts) => new RepositoryReader(folder, path, keys, parts),
  };
  return {
    name: "repository",
    stored: [sealed],
    writes: sealed,
    beforeWrite: () => {
      checkPacksPlace(folder);
      refuseOlderKeys(folder, keys);
    },
    newBody: (request) => {
      // Under the write lock nobody else writes: what lies there was left by the dead.
      removeUnfinishedPacks(folder, "");
      return new RepositoryBody(request, { ...place, now: now() });
    },
    freed: (going, staying) => freedBy(keys, going, staying),
    afterSweep: (left) => Promise.resolve(sweepPacks(folder, keys, left)),
  };
}
