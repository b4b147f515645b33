import { lstatSync } from "node:fs";
import { ConfigError } from "../kernel/index.ts";
import type { FoundBackup, Opened, StoredForm, VaultForm } from "../local-vault/index.ts";
import { goodFor } from "../vault/index.ts";
import { CHECKPOINT_FOLDER, readCheckpoint, removeCheckpoint } from "./checkpoint/checkpoint-file.ts";
import { checkPacksPlace } from "./check-packs-place.ts";
import { lookAtPacks } from "./look-at-packs.ts";
import { refuseOlderKeys } from "./newest-epoch.ts";
import type { VaultKeys } from "./keys/epoch-key.ts";
import { readManifestOf } from "./manifest/backup-file.ts";
import { NamedPacks } from "./named-packs.ts";
import { RepositoryReadBack } from "./read/repository-read-back.ts";
import { RepositoryReader } from "./read/repository-reader.ts";
import { removeUnfinishedPacks } from "./store/frame-store.ts";
import { RepositoryBody, SEALED_NAME, type BodyPlace } from "./store/repository-body.ts";
import { sweepablePacks, sweepPacks } from "./sweep-packs.ts";

type RepositoryPlace = Omit<BodyPlace, "now"> & {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
};

/** How a sealed backup lies in a vault, for who has no key: it can be told by its name, and by nothing else. */
export const SEALED_FORM: StoredForm = {
  name: "repository",
  suffix: ".backup",
  isFolder: false,
  isSmall: true,
  isProven: true,
  draftNames: [SEALED_NAME],
  besideNames: ["packs", "keys", CHECKPOINT_FOLDER],
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
  const named = new NamedPacks(keys);
  const sealed: StoredForm = {
    ...SEALED_FORM,
    readManifest: (path, opened) => readOrGone(path, keys, opened),
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
      forgetCheckpoint(folder, keys, request.backups, now());
      return new RepositoryBody(request, { ...place, now: now() });
    },
    freed: (going, staying) => named.freedBy(sweepablePacks(folder, readCheckpoint(folder, keys)?.packs), going, staying),
    readBack: (parts) => new RepositoryReadBack(folder, keys, parts),
    lookAtPacks: (backups) => lookAtPacks(folder, keys, backups),
    afterSweep: async (left) => {
      forgetCheckpoint(folder, keys, left.backups, now());
      await sweepPacks(folder, named, left, readCheckpoint(folder, keys)?.packs);
    },
  };
}

/** How long a backup that was not finished may be gone on from. Milliseconds. */
const KEPT_FOR: number = 14 * 24 * 60 * 60 * 1000;

/** Once every component of it has a good backup, nothing goes on from there. */
function forgetCheckpoint(folder: string, keys: VaultKeys, backups: readonly FoundBackup[], now: number): void {
  const checkpoint = readCheckpoint(folder, keys);
  if (checkpoint === undefined) return;
  // What never became whole, or is not declared any more, would keep its packs for ever.
  if (now - checkpoint.takenAt > KEPT_FOR) removeCheckpoint(folder);
  const isDone = (component: string): boolean => backups.some(({ manifest }) => goodFor(manifest, component));
  if (checkpoint.roots.every(({ name }) => isDone(name))) removeCheckpoint(folder);
}

/** Gone is not damaged: a listing looks again. */
function readOrGone(path: string, keys: VaultKeys, opened?: Opened): Buffer {
  try {
    return readManifestOf(path, keys, opened);
  } catch (error) {
    lstatSync(path);
    throw error;
  }
}
