import { BusyError, HoldfastError } from "../../kernel/index.ts";
import { ok, problem, warning, type Patient, type Sight } from "./check.ts";
import { lookAtVault } from "../vault-at.ts";
import { secretsOf } from "../vault-secrets.ts";

/** Whether the vault opens for this instance, and its lock can be taken. */
export async function checkVault({ instance }: Patient): Promise<readonly Sight[]> {
  const { config, env } = instance;
  const { path } = config.backup;
  try {
    const { owner } = await lookAtVault(path, async () => await secretsOf(config, env));
    if (owner === undefined) return [warning(`There is no vault at "${path}" yet`, "Take the first backup: holdfast backup")];
    await using vault = await instance.openVault();
    const { backups } = await vault.list();
    const [newest] = backups;
    if (newest === undefined) return [warning("It opens, and holds no backup", "Take one: holdfast backup")];
    // Opening one takes the shared lock, and closing it gives it back.
    await using _ = await vault.open(newest.id);
    return [ok(`It opens, its lock works, ${backups.length === 1 ? "1 backup" : `${backups.length} backups`}`)];
  } catch (error) {
    if (error instanceof BusyError) return [warning(error.message, error.hint ?? "Run this again when it has ended")];
    if (error instanceof HoldfastError) return [problem(error.message, error.hint ?? "No backup can be taken until this is put right")];
    throw error;
  }
}
