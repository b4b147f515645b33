import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { BackupOutcome } from "../backup/index.ts";
import { DamageError, makeFolder, removeTree } from "../kernel/index.ts";
import { restoreTo, type RestoredTo } from "../restore/index.ts";
import { backup, type BackupOptions } from "./backup.ts";
import type { Instance } from "./instance.ts";
import { verifyOne, type VerifyResult } from "./verify-one.ts";

export interface Protected {
  readonly outcome: BackupOutcome;
  readonly verified: VerifyResult;
  /** The restore into scratch: every content compared with its hash, every database checked. */
  readonly proof: Pick<RestoredTo, "components" | "entries" | "bytes" | "databases">;
}

/** Takes a backup, reads it back whole, and proves it by a restore into scratch that is removed afterwards. */
export async function protect(
  instance: Instance,
  options: Pick<BackupOptions, "signal" | "onProgress" | "wait"> & { readonly onStep?: (step: string) => void } = {},
): Promise<Protected> {
  options.onStep?.("backup");
  const outcome = await backup(instance, options);
  await using vault = await instance.openVault();
  options.onStep?.("verify");
  const verified = await verifyOne(vault, outcome.head, instance, options.signal === undefined ? {} : { signal: options.signal });
  if (!verified.ok) throw new DamageError("BACKUP_DAMAGED", `Backup "${outcome.head.id}" does not read back: ${verified.problem}`);
  options.onStep?.("prove");
  const scratchTop = join(instance.config.stateDir, "tmp");
  makeFolder(scratchTop);
  const scratch = mkdtempSync(join(scratchTop, "proof-"));
  try {
    await using reader = await vault.open(outcome.head.id);
    const proof = await restoreTo({
      reader,
      folder: join(scratch, "restored"),
      owner: "current",
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const broken = proof.databases.find(({ damaged }) => damaged);
    if (broken !== undefined && outcome.status === "complete") {
      throw new DamageError("BACKUP_DAMAGED", `The restored database "${broken.path}" is not sound: ${broken.complaint}`);
    }
    return { outcome, verified, proof };
  } finally {
    removeTree(scratch);
  }
}
