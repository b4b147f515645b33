import { DamageError } from "../../kernel/index.ts";
import type { BackupHead, Entry, Vault } from "../../vault/index.ts";
import { RESERVED_COMPONENT } from "../plan-components.ts";
import type { ProofOptions } from "./prove-backup.ts";

/** A configuration as a backup carries it. */
export interface StoredConfig {
  readonly head: BackupHead;
  readonly entry: Entry;
  readonly text: string;
  /** Where it lay; null when the backup does not say. */
  readonly recorded: string | null;
}

/** More is no configuration that the loader would read. Bytes. */
const LARGEST = 512 * 1024;

/** @throws DamageError when it does not read back whole */
export async function readStoredConfig(vault: Vault, head: BackupHead, options: ProofOptions): Promise<StoredConfig> {
  await using reader = await vault.open(head.id);
  let found: { readonly entry: Entry; readonly bytes: Buffer } | undefined;
  const { signal } = options;
  for await (const { entry, content } of reader.read({
    select: ({ component, type }) => component === RESERVED_COMPONENT && type === "file",
    ...(signal === undefined ? {} : { signal }),
  })) {
    if (entry.component !== RESERVED_COMPONENT || content === undefined) continue;
    if (entry.size > LARGEST)
      throw new DamageError(
        "BACKUP_DAMAGED",
        `The configuration in backup "${head.id}" has ${entry.size} bytes, at most ${LARGEST} are read`,
      );
    const pieces: Buffer[] = [];
    for await (const piece of content) pieces.push(Buffer.from(piece));
    found = { entry, bytes: Buffer.concat(pieces) };
  }
  if (found === undefined) throw new DamageError("BACKUP_DAMAGED", `Backup "${head.id}" names its configuration and does not hold it`);
  const text = found.bytes.toString("utf8").replace(/^\uFEFF/, "");
  return { head, entry: found.entry, text, recorded: head.manifest.component_details[RESERVED_COMPONENT]?.resolved_path ?? null };
}
