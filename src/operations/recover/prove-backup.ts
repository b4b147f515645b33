import { DamageError, HoldfastError } from "../../kernel/index.ts";
import type { BackupHead, Vault } from "../../vault/index.ts";

export interface ProofOptions {
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Reads components of a backup back, every byte compared with its hash.
 *
 * @returns components that do not read back, with what is wrong
 */
export async function proveBackup(
  vault: Vault,
  head: BackupHead,
  components: readonly string[],
  options: ProofOptions,
): Promise<ReadonlyMap<string, string>> {
  const all = await problemIn(vault, head, components, options);
  if (all === null) return new Map();
  const bad = new Map<string, string>();
  // One of them may be damaged and the others not: each is asked by itself.
  for (const component of components) {
    const problem = components.length === 1 ? all : await problemIn(vault, head, [component], options);
    if (problem !== null) bad.set(component, problem);
  }
  return bad;
}

async function problemIn(vault: Vault, head: BackupHead, components: readonly string[], options: ProofOptions): Promise<string | null> {
  try {
    await using reader = await vault.open(head.id);
    let entries = 0;
    const wanted = new Set(components);
    for await (const { content } of reader.read({ ...options, select: ({ component }) => wanted.has(component) })) {
      for await (const _ of content ?? []) continue;
      entries += 1;
    }
    if (entries === 0) throw new DamageError("BACKUP_DAMAGED", `Backup "${head.id}" holds no entry`);
    return null;
  } catch (error) {
    if (error instanceof HoldfastError && error.row.kind === "damage") return error.message;
    throw error;
  }
}
